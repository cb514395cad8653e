"""Evaluation: boxes on disk, rules that score them, and what a network costs."""
