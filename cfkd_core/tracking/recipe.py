"""A tracker on paper: what travels to another process, which builds the tracker there."""

import threading
from dataclasses import dataclass
from pathlib import Path

from cfkd_core.errors import InputError
from cfkd_core.tracking.load import load_tracker
from cfkd_core.tracking.online import OnlineOptions, OnlineTracker
from cfkd_core.tracking.runtime import RuntimeName
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
        options: of the tracker's own kind, instead of those it is built with; such as `MATOM_VOT`.
        runtime: of a network on search patches; the answers are the same to rounding.
    """

    name: str
    weights: Path | None = None
    seed: int = 0
    options: object | None = None
    runtime: RuntimeName = "auto"

    def build(self) -> Tracker:
        """The tracker; the same object each time within a thread, so that weights load once.

        Raises:
            InputError: if there is no such tracker, its weights cannot be used, or the options are
                not of its kind.
        """
        if getattr(_built, "recipe", None) != self:
            _built.recipe, _built.tracker = None, self._new()
            _built.recipe = self
        # whoever had it last may have set another
        _built.tracker.seed = self.seed
        return _built.tracker

    def _new(self) -> Tracker:
        tracker = load_tracker(
            self.name, weights=self.weights, seed=self.seed, runtime=self.runtime
        )
        if self.options is not None:
            # those without a network have made their tables from the options already
            if not isinstance(tracker, OnlineTracker):
                raise InputError(f"tracker {self.name}: takes no options, got {self.options}")
            own = type(tracker.options)
            if not isinstance(self.options, OnlineOptions) or type(self.options) is not own:
                raise InputError(f"tracker {self.name}: takes {own.__name__}, got {self.options}")
            tracker.options = self.options
        return tracker
