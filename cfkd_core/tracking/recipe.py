"""A tracker on paper: what travels to another process, which builds the tracker there."""

import threading
from dataclasses import dataclass
from pathlib import Path

from cfkd_core.tracking.load import load_tracker
from cfkd_core.tracking.tracker import Tracker

# A thread's own: a tracker follows one target at a time, and a cluster's worker has many threads.
_built = threading.local()


@dataclass(frozen=True)
class TrackerRecipe:
    """What `load_tracker` needs to build a tracker.

    Attributes:
        name: one of `TRACKERS`.
        weights: other weights than those that ship.
        seed: of everything random in the tracker.
    """

    name: str
    weights: Path | None = None
    seed: int = 0

    def build(self) -> Tracker:
        """The tracker; the same object each time within a thread, so that weights load once."""
        if getattr(_built, "recipe", None) != self:
            _built.tracker = load_tracker(self.name, weights=self.weights, seed=self.seed)
            _built.recipe = self
        # whoever had it last may have set another
        _built.tracker.seed = self.seed
        return _built.tracker
