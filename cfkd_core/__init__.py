"""Distilling discriminative correlation filter trackers: models, tracking, evaluation.

The names of `__all__` are the public interface, with the modules `boxes`, `ops`, `losses`,
`models.weights`, `benchmarks.metrics` and `benchmarks.protocols`: they change as CONTRIBUTING.md
says under "What others build on". Everything else may change from one version to the next.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfkd_core.datasets.readers import load_benchmark
    from cfkd_core.datasets.sequence import Sequence
    from cfkd_core.datasets.video import open_frames
    from cfkd_core.errors import InputError
    from cfkd_core.tracking.load import load_tracker
    from cfkd_core.tracking.tracker import Prediction, Tracker, Trajectory, track

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "Prediction",
    "Sequence",
    "Tracker",
    "Trajectory",
    "load_benchmark",
    "load_tracker",
    "open_frames",
    "track",
]

_HOMES = {
    "InputError": "errors",
    "Prediction": "tracking.tracker",
    "Sequence": "datasets.sequence",
    "Tracker": "tracking.tracker",
    "Trajectory": "tracking.tracker",
    "load_benchmark": "datasets.readers",
    "load_tracker": "tracking.load",
    "open_frames": "datasets.video",
    "track": "tracking.tracker",
}


def __getattr__(name: str) -> object:
    """A public name, imported when it is asked for: torch takes a second to load."""
    if name in _HOMES:
        return getattr(import_module(f"cfkd_core.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
