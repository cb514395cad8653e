"""Distillation: what is trained, from what, and the one loop that does it."""
