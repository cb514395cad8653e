"""Trackers: one protocol, ours and OpenCV's behind it."""
