"""VOT's real-time experiment: frames arrive at 20 a second, whether the tracker is ready or not.

The clock is an argument. With a latency that is assumed, or was measured elsewhere, an experiment
gives the same answer on every machine.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.clocks import Clock, LiveClock
from cfkd_core.benchmarks.referee import Booking, Session, follow
from cfkd_core.benchmarks.reset import Answer, traced, write_followed
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Tracker

# Slow answers that are forgiven after each start. Source: votchallenge/vot-toolkit (6987d85),
# stacks stack_vot2018.m and stack_vot2019.m.
GRACE = 3

# Source: the same.
FPS = 20.0


def legacy(session: Session, start: int, fps: float = FPS, grace: int = GRACE) -> Iterator[Booking]:
    """The rule of the toolkit that VOT2018 and VOT2019 were held with.

    The clock starts with the tracker. An answer takes a frame's time at least; the first `grace`
    answers, the one to the start among them, take just that. The answer is booked in the frame that
    the clock has reached, though the image it was made from may be older; the frames from that
    image on keep the box before; the next image is the one after. So a slow tracker ages twice: its
    boxes are late, and then they are held.

    Source: votchallenge/toolkit-legacy, experiment_realtime.m at 7f57b13, mode
        `real`: milliseconds, floor of the thousandths of a frame, halves rounded up.
    """
    length = len(session.sequence)
    interval, clock = 1000 / fps, 0.0
    last, box = session.start_box(start), None
    shown, elapsed = start, session.init(start)
    while True:
        clock += interval if grace > 0 else max(interval, 1000 * elapsed)
        grace -= 1
        reached = start - 1 + math.floor(math.floor(clock * fps) / 1000 + 0.5)
        if box is not None:
            yield Booking(reached, box, range(shown, min(reached, length)), last)
            last = box
        shown = reached + 1
        if shown >= length:
            return
        box, elapsed = session.update(shown)


def toolkit(
    session: Session, start: int, fps: float = FPS, grace: int = GRACE
) -> Iterator[Booking]:
    """The rule of vot-toolkit 0.9, which is milder.

    An answer is booked in its own frame, however late, and held in the frames that pass before the
    tracker is ready. What is left of its time after its own frame's is worked off a frame at a
    time, until no more than one frame's is left, which is forgiven. `grace` is spent on slow
    answers only.

    Whether a tracker at exactly 5 FPS misses three frames or two hangs on the last bit of the
    repeated subtraction; it is done here as there.

    Source: votchallenge/toolkit 0.9.0, RealtimeTrackerRuntime, which was run with constant
        latencies.
    """
    interval = 1 / fps
    box, elapsed = session.start_box(start), session.init(start)
    grace, left = _left_over(elapsed, interval, grace)
    for frame in range(start + 1, len(session.sequence)):
        if left > interval:
            left -= interval
        else:
            box, elapsed = session.update(frame)
            grace, left = _left_over(elapsed, interval, grace)
        yield Booking(frame, box, range(0), box)


def _left_over(elapsed: float, interval: float, grace: int) -> tuple[int, float]:
    """The grace that remains, and the seconds that are still to be worked off."""
    if elapsed <= interval:
        return grace, 0.0
    if grace > 0:
        return grace - 1, 0.0
    return grace, elapsed - interval


RULES = {"legacy": legacy, "toolkit-0.9": toolkit}


@dataclass(frozen=True)
class RealTime:
    """The runner of the real-time experiment.

    Attributes:
        rule: a key of `RULES`.
        fps: frames that arrive in a second.
    """

    rule: str = "legacy"
    fps: float = FPS
    clock: Clock = field(default_factory=LiveClock)
    layout: store.ResultLayout = store.LAYOUTS["realtime"]
    repetitions: int = 1
    identical: int = 3
    trace: bool = False

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise InputError(f"real-time rule {self.rule}: choose from {', '.join(RULES)}")
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"{self.fps:g} frames a second: must be positive")

    @property
    def card(self) -> dict:
        """Rule, frame rate and clock."""
        return {
            "experiment": "realtime",
            "rule": self.rule,
            "fps": self.fps,
            "latency": self.clock.describe(),
        }

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Any:
        """One repetition; the seconds are the clock's, not the machine's."""
        pace = partial(RULES[self.rule], fps=self.fps)
        latency = self.clock.latency(sequence.name)
        run = partial(follow, tracker, sequence, pace, latency, tick)
        return traced(run, sequence, self.trace)

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Answer) -> None:
        """Leaves files of regions in VOT's format and of times, and a trace if there is one."""
        write_followed(self.layout, folder, sequence, repetition, answer)
