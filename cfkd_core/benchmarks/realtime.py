"""VOT's real-time experiment: frames arrive at 20 a second, whether the tracker is ready or not.

The clock is an argument. With a latency that is assumed, or was measured elsewhere, an experiment
gives the same answer on every machine.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.reset import (
    Booking,
    Followed,
    Latency,
    Session,
    annotation,
    follow,
    measured,
    write_followed,
)
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Tracker

# Slow answers that are forgiven after each start. Source: VOT2018 and 2019, protocols.md 1.5.
GRACE = 3

# Source: VOT2018 and 2019, protocols.md 1.5.
FPS = 20.0


def legacy(session: Session, start: int, fps: float = FPS, grace: int = GRACE) -> Iterator[Booking]:
    """The rule of the toolkit that VOT2018 and VOT2019 were held with.

    The clock starts with the tracker. An answer takes a frame's time at least; the first `grace`
    answers, the one to the start among them, take just that. The answer is booked in the frame that
    the clock has reached, though the image it was made from may be older; the frames from that
    image on keep the box before; the next image is the one after. So a slow tracker ages twice: its
    boxes are late, and then they are held.

    Source: protocols.md 1.5; votchallenge/toolkit-legacy, experiment_realtime.m at 7f57b13, mode
        `real`: milliseconds, floor of the thousandths of a frame, halves rounded up.
    """
    length = len(session.sequence)
    interval, clock = 1000 / fps, 0.0
    last, box = session.sequence.boxes[start], None
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

    Source: protocols.md 1.5, which ran the toolkit's RealtimeTrackerRuntime with constant
        latencies.
    """
    interval = 1 / fps
    box, elapsed = session.sequence.boxes[start], session.init(start)
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


@runtime_checkable
class Clock(Protocol):
    """Says how long each answer takes."""

    def latency(self, sequence: str) -> Latency:
        """(frame, measured seconds) -> seconds, for one sequence."""

    def describe(self) -> str:
        """For the card: what decides the answers."""


@dataclass(frozen=True)
class LiveClock:
    """What this machine takes, now; another run gives another answer."""

    def latency(self, sequence: str) -> Latency:
        """The measured seconds."""
        return measured

    def describe(self) -> str:
        """`live`."""
        return "live"


@dataclass(frozen=True)
class ConstantClock:
    """The same for every answer.

    Attributes:
        seconds: of an answer.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise InputError(f"latency {1000 * self.seconds:g} ms: must be finite and not negative")

    def latency(self, sequence: str) -> Latency:
        """The constant."""
        return partial(_constant, self.seconds)

    def describe(self) -> str:
        """Milliseconds."""
        return f"{1000 * self.seconds:g} ms"


def _constant(seconds: float, frame: int, measured: float) -> float:
    return seconds


@dataclass(frozen=True)
class RecordedClock:
    """What was measured earlier, frame by frame.

    Attributes:
        path: a file with the seconds of a frame a line, as `run` leaves beside its boxes; or a
            folder with such a file for each sequence, as `run` leaves it.
    """

    path: Path

    def latency(self, sequence: str) -> Latency:
        """The seconds recorded for the sequence.

        Raises:
            InputError: if there is no record, or it holds something else than seconds.
        """
        path = self._file(sequence)
        if not path.is_file():
            raise InputError(f"{path}: no such record of seconds; a run leaves one beside its boxes")
        seconds = read_rows(path, 1)[:, 0]
        if (seconds < 0).any() or np.isinf(seconds).any():
            raise InputError(f"{path}: seconds must be finite and not negative")
        return partial(_recorded, path, seconds)

    def describe(self) -> str:
        """A digest of the files, wherever they lie."""
        files = sorted(self.path.glob("*_time.txt")) if self.path.is_dir() else [self.path]
        digest = hashlib.sha256()
        for file in files:
            # a single record serves every sequence, so its name says nothing
            named = file.name if self.path.is_dir() else ""
            digest.update(named.encode() + b"\0" + file.read_bytes() + b"\0")
        return f"recorded {digest.hexdigest()[:16]}"

    def _file(self, sequence: str) -> Path:
        return self.path / f"{sequence}_time.txt" if self.path.is_dir() else self.path


def _recorded(
    path: Path, seconds: Float[np.ndarray, "t"], frame: int, measured: float
) -> float:
    if frame >= len(seconds) or np.isnan(seconds[frame]):
        raise InputError(f"{path}: no seconds for frame {frame} (line {frame + 1}); record them all")
    return float(seconds[frame])


def read_clock(text: str) -> Clock:
    """A clock by its name on the command line: `live`, milliseconds, or a file or folder of times.

    Raises:
        InputError: if it is none of these.
    """
    if text == "live":
        return LiveClock()
    try:
        return ConstantClock(float(text) / 1000)
    except InputError:
        raise
    except ValueError:
        pass
    if not Path(text).exists():
        raise InputError(
            f"latency {text}: neither `live`, nor milliseconds, nor a file or folder of times"
        )
    return RecordedClock(Path(text))


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
    layout: store.Layout = store.vot_layout("realtime")
    repetitions: int = 1
    identical: int = 3

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

    def told(self, sequence: Sequence) -> Float[np.ndarray, "t _"]:
        """The whole annotation, as with restarts."""
        return annotation(sequence)

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Followed:
        """One repetition; the seconds are the clock's, not the machine's."""
        pace = partial(RULES[self.rule], fps=self.fps)
        return follow(tracker, sequence, pace, self.clock.latency(sequence.name), tick)

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Followed) -> None:
        """Leaves a file of regions in VOT's format and one of times."""
        write_followed(self.layout, folder, sequence, repetition, answer)
