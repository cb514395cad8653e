"""Annotated video: what a sequence is, and where sequences come from."""
