"""VOT's referee: a tracker that has lost its target is started again.

What the referee is shown of the tracker, and when, is a pace's business: here each frame has its
own answer, in `realtime` the clock runs on.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import raster
from cfkd_core.benchmarks.results import annotation
from cfkd_core.benchmarks.vot import FAILED, INITIALISED, RESTART, SKIPPED, TRACKED, VotRun
from cfkd_core.datasets.regions import are_known, starting_boxes
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.tracking.tracker import Prediction, Tracker

Box = Float[np.ndarray, "4"]
Latency = Callable[[int, float], float]
Watch = Callable[[int, Prediction], None]


class Followed(NamedTuple):
    """A run with restarts, and what the clock said.

    Attributes:
        seconds: of the answer to each image; NaN where the tracker did not see it.
    """

    run: VotRun
    seconds: Float[np.ndarray, "t"]


class Booking(NamedTuple):
    """What an answer means for the record.

    Attributes:
        frame: where the new box stands; past the end where it came too late.
        box: the new one.
        held: frames before it, in which the last box still stands.
        last: that box.
    """

    frame: int
    box: Box
    held: range
    last: Box


@dataclass
class Session:
    """One tracker in front of one sequence.

    Attributes:
        latency: (frame, measured seconds) -> seconds that the clock counts.
        watch: called with each frame's number and the tracker's answer.
        seconds: so far, a number a frame.
    """

    tracker: Tracker
    sequence: Sequence
    latency: Latency
    tick: Callable[[], None]
    watch: Watch
    seconds: Float[np.ndarray, "t"] = field(init=False)

    def __post_init__(self) -> None:
        self.seconds = np.full(len(self.sequence), np.nan)

    def start_box(self, frame: int) -> Box:
        """What the tracker is told in a frame."""
        if self.sequence.regions is None:
            return self.sequence.boxes[frame]
        return starting_boxes(self.sequence.regions[frame])

    def init(self, frame: int) -> float:
        """Shows the tracker its target; gives the seconds that took."""
        image, box = self.sequence.frames[frame], self.start_box(frame)
        start = time.perf_counter()
        self.tracker.init(image, box)
        seconds = self._book(frame, time.perf_counter() - start)
        self.watch(frame, Prediction(box, 1.0, "normal"))
        return seconds

    def update(self, frame: int) -> tuple[Box, float]:
        """The tracker's box in a frame, and the seconds it took."""
        image = self.sequence.frames[frame]
        start = time.perf_counter()
        answer = self.tracker.update(image)
        seconds = self._book(frame, time.perf_counter() - start)
        self.watch(frame, answer)
        return answer.box, seconds

    def _book(self, frame: int, measured: float) -> float:
        self.seconds[frame] = self.latency(frame, measured)
        self.tick()
        return float(self.seconds[frame])


Pace = Callable[[Session, int], Iterator[Booking]]


def every_frame(session: Session, start: int) -> Iterator[Booking]:
    """The pace of a clock that waits: each answer stands in its own frame."""
    session.init(start)
    for frame in range(start + 1, len(session.sequence)):
        box, _ = session.update(frame)
        yield Booking(frame, box, range(0), box)


def measured(frame: int, seconds: float) -> float:
    """The latency of a live clock."""
    return seconds


def follow(
    tracker: Tracker,
    sequence: Sequence,
    pace: Pace = every_frame,
    latency: Latency = measured,
    tick: Callable[[], None] = lambda: None,
    watch: Watch = lambda frame, prediction: None,
) -> Followed:
    """One repetition: tracks from the first frame, and anew after each failure.

    A box that does not overlap the annotation is a failure (`raster.overlaps`). The four frames
    after it are skipped, and the tracker starts again in the fifth; where that is past the end, it
    does not. A frame without annotation is never a failure, and no start: the next annotated one
    is.

    A booked frame may stand behind a failure: where a box that is held fails, but the new one that
    ends the holding does not, both are booked, as in the VOT toolkit.

    Args:
        pace: from a start on, what to book and where, until the end.
        watch: called with the number of each image that is shown and the answer to it.

    Source: votchallenge/vot-toolkit (6987d85), experiment_supervised.m; for what is booked around
        a failure votchallenge/toolkit-legacy, experiment_realtime.m at 7f57b13.
    """
    truth = _Truth(sequence)
    session = Session(tracker, sequence, latency, tick, watch)
    regions = np.full((len(sequence), 4), np.nan)
    codes = np.full(len(sequence), SKIPPED)
    start = truth.next_annotated(0)
    while start < len(sequence):
        codes[start] = INITIALISED
        restart = len(sequence)
        for booking in pace(session, start):
            failed = _book(booking, truth, regions, codes)
            if failed is not None:
                codes[failed] = FAILED
                restart = booking.frame + RESTART
                break
        start = truth.next_annotated(restart)
    return Followed(VotRun(regions, codes), session.seconds)


def _book(
    booking: Booking,
    truth: "_Truth",
    regions: Float[np.ndarray, "t 4"],
    codes: np.ndarray,
) -> int | None:
    """Writes the boxes down; gives the frame of a failure, the later one of two."""
    failed = None
    for frame in booking.held:
        if truth.missed(frame, booking.last):
            failed = frame
            break
        regions[frame], codes[frame] = booking.last, TRACKED
    if booking.frame >= len(codes):
        return failed
    if truth.missed(booking.frame, booking.box):
        return booking.frame
    regions[booking.frame], codes[booking.frame] = booking.box, TRACKED
    return failed


class _Truth:
    """The annotation as the referee reads it."""

    def __init__(self, sequence: Sequence) -> None:
        self.regions = annotation(sequence)
        height, width = sequence.frames[0].shape[:2]
        self.size = (width, height)
        self.known = are_known(self.regions)

    def next_annotated(self, frame: int) -> int:
        """The first frame from `frame` on that has an annotation; the length if there is none."""
        later = np.flatnonzero(self.known[frame:])
        return frame + int(later[0]) if len(later) else len(self.known)

    def missed(self, frame: int, box: Box) -> bool:
        """Whether a box is a failure in a frame; one that is no box always is."""
        if not np.isfinite(box).all():
            return True
        if not self.known[frame]:
            return False
        return not raster.overlap(box, self.regions[frame], self.size) > 0
