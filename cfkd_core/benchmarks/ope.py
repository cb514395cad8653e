"""One-pass evaluation in two halves that share only files.

`run` tracks and writes boxes; `score` reads boxes and never tracks. A new metric needs no new run.

The files of one tracker on one benchmark lie in `<results>/<benchmark>/<tracker>/`:
`<sequence>.txt` has a box x,y,w,h a line, counted as the benchmark counts its pixels (OTB from 1);
`<sequence>_time.txt` has the seconds of each frame, `<sequence>_trace.csv`, if asked for, its score
and status; `tracker.json` is the card. Further repetitions lie in `repetition_002/` and so on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks import stored
from cfkd_core.benchmarks.grid import Grid, Outcome, Present
from cfkd_core.benchmarks.grid import run as run_grid
from cfkd_core.benchmarks.report import Report
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.files import write_text
from cfkd_core.tracking.tracker import Tracker, Trajectory, track


@dataclass(frozen=True)
class OnePass:
    """The runner of one-pass evaluation: the first box is told, then the tracker is alone."""

    layout: store.ResultLayout = store.LAYOUTS["ope"]
    card: dict = field(default_factory=dict)
    repetitions: int = 1
    identical: int = 0
    trace: bool = False

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Trajectory:
        """Boxes and seconds of every frame."""
        first = sequence.boxes[0]
        return track(tracker, sequence.frames, first, watch=lambda *_: tick())

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Trajectory) -> None:
        """Leaves a file of boxes and one of times, and of scores and statuses if asked to."""
        published = sequence.to_published(answer.boxes)
        rows = [",".join(f"{number:.4f}" for number in row) for row in published]
        times = self.layout.times(folder, sequence.name, repetition)
        store.write_times(times, answer.seconds)
        if self.trace:
            said = store.Trace(answer.scores, list(answer.statuses))
            store.write_trace(self.layout.trace(folder, sequence.name, repetition), said)
        # boxes last: they are what tells a later run that the sequence is done
        boxes = self.layout.boxes(folder, sequence.name, repetition)
        write_text(boxes, "\n".join(rows) + "\n")


def run(
    trackers: Iterable[Tracker],
    sequences: Iterable[Sequence],
    results: Path,
    benchmark: str,
    *,
    force: bool = False,
) -> list[Outcome]:
    """Tracks every sequence with every tracker, here and now, and writes what `score` reads.

    The trackers keep their seed for all sequences. `grid.run` does the same at scale: from
    recipes, in parallel, with a seed for each sequence and repetition.

    Args:
        force: track anew, and replace the files; those of another configuration are deleted.

    Raises:
        InputError: before anything is tracked, if the files there come from another configuration
            of a tracker, or from other data.
    """
    entrants = tuple(Present(tracker) for tracker in trackers)
    grid = Grid(entrants, tuple(sequences), OnePass(), results, benchmark, repetitions=1)
    return run_grid(grid, force=force)


def score(
    benchmark: str,
    sequences: list[Sequence],
    results: Path,
    *,
    protocol: str = "otb",
    trackers: Iterable[str] = (),
    partial: bool = False,
) -> list[Report]:
    """Scores the boxes that lie in `results`, the best tracker first; see `stored.score`."""
    return stored.score(
        benchmark, sequences, results, protocol=protocol, trackers=trackers, partial=partial
    )
