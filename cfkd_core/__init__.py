"""Distilling discriminative correlation filter trackers: models, tracking, evaluation."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`cfkd_core.load_tracker`, imported when it is asked for: torch takes a second to load."""
    if name == "load_tracker":
        from cfkd_core.tracking.load import load_tracker

        return load_tracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
