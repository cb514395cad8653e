"""Where a training step spends its time."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class StepTimer:
    """Seconds spent in each part of a step, summed over all steps since `start`.

    Costs nothing before `start`. A GPU is waited for at the end of each part.

    Attributes:
        seconds: by the name of the part.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running = False

    def start(self) -> None:
        """Begin to count, from zero."""
        self.seconds.clear()
        self._running = True

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count the time within the context for `part`."""
        if not self._running:
            yield
            return
        begin = time.perf_counter()
        yield
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds[part] += time.perf_counter() - begin
