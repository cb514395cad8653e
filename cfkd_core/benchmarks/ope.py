"""One-pass evaluation in two halves that share only files.

`run` tracks and writes boxes; `score` reads boxes and never tracks. A new metric needs no new run.

The files of one tracker on one benchmark lie in `<results>/<benchmark>/<tracker>/`:
`<sequence>.txt` has a box x,y,w,h a line, counted as the benchmark counts its pixels (OTB from 1);
`<sequence>_time.txt` has the seconds of each frame; `tracker.json` is the card. Further repetitions
lie in `repetition_002/` and so on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.grid import Grid, Outcome, Present
from cfkd_core.benchmarks.grid import run as run_grid
from cfkd_core.benchmarks.protocols import PROTOCOLS, Protocol
from cfkd_core.benchmarks.report import Report, SequenceScore, spread
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.files import write_text
from cfkd_core.tracking.tracker import Tracker, Trajectory, track

LAYOUT = store.ONE_PASS


@dataclass(frozen=True)
class OnePass:
    """The runner of one-pass evaluation: the first box is told, then the tracker is alone."""

    layout: store.Layout = LAYOUT
    card: dict = field(default_factory=dict)
    repetitions: int = 1
    identical: int = 0

    def told(self, sequence: Sequence) -> Float[np.ndarray, "1 4"]:
        """The first box."""
        return sequence.boxes[:1]

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Trajectory:
        """Boxes and seconds of every frame."""
        first = sequence.boxes[0]
        return track(tracker, sequence.frames, first, watch=lambda *_: tick())

    def write(
        self, folder: Path, sequence: Sequence, repetition: int, answer: Trajectory
    ) -> None:
        """Leaves a file of boxes and one of times."""
        published = sequence.to_published(answer.boxes)
        rows = [",".join(f"{number:.4f}" for number in row) for row in published]
        times = self.layout.times(folder, sequence.name, repetition)
        store.write_times(times, answer.seconds)
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
    """Scores the boxes that lie in `results`, the best tracker first.

    A tracker's curves are means over its repetitions; `Report.spread` says how far they lie apart.

    Args:
        trackers: names of folders to score; all of them if none is named.
        partial: score a tracker on the sequences it has, and name the missing ones in its report.

    Raises:
        InputError: if there are no results, they were made on other data, a file cannot be read,
            or (unless `partial`) a sequence is missing or has another number of boxes than frames.
    """
    folders = _tracker_folders(results / benchmark, trackers)
    current = store.Fingerprints(sequences, OnePass().told)
    for folder in folders:
        current.check(folder, LAYOUT)
    reports = [
        _score_tracker(folder, benchmark, sequences, PROTOCOLS[protocol], partial)
        for folder in folders
    ]
    return sorted(reports, key=lambda report: -next(iter(report.scores.values())))


def _tracker_folders(folder: Path, names: Iterable[str]) -> list[Path]:
    found = sorted({path.parent for path in folder.glob("*/*.txt")})
    if not found:
        raise InputError(f"{folder}: no results; `python -m cfkd_core run` writes them there")
    wanted = [folder / name for name in names] or found
    for path in wanted:
        if path not in found:
            have = ", ".join(each.name for each in found)
            raise InputError(f"{path}: no results of this tracker; there are {have}")
    return wanted


def _score_tracker(
    folder: Path, benchmark: str, sequences: list[Sequence], protocol: Protocol, partial: bool
) -> Report:
    repetitions = sorted({n for each in sequences for n in LAYOUT.repetitions(folder, each.name)})
    scored = {
        (each.name, n): _score_sequence(folder, each, n, protocol)
        for each in sequences
        for n in repetitions
        if len(stored_boxes(folder, each, n)) == len(each)
    }
    complete = {
        each.name: [n for n in repetitions if (each.name, n) in scored] for each in sequences
    }
    missing = tuple(name for name, there in complete.items() if not there)
    lacking = [name for name, there in complete.items() if there != repetitions or not there]
    if (lacking and not partial) or len(missing) == len(sequences):
        named = ", ".join(lacking[:5]) + (", …" if len(lacking) > 5 else "")
        raise InputError(
            f"{folder}: {len(lacking)} of {len(sequences)} sequences missing or incomplete "
            f"({named}); run it to the end, or score what is there with --partial"
        )
    names = [each.name for each in sequences if each.name not in missing]
    means = tuple(_mean([scored[name, n] for n in complete[name]], protocol) for name in names)
    common = [n for n in repetitions if all(n in complete[name] for name in names)]
    single = [_scores([scored[name, n] for name in names], protocol) for n in common]
    return Report(
        protocol=protocol.name,
        benchmark=benchmark,
        tracker=folder.name,
        source=str(folder),
        card=store.configuration(store.read_card(folder)),
        thresholds={name: tuple(grid.tolist()) for name, grid in protocol.thresholds.items()},
        scores=_scores(means, protocol),
        sequences=means,
        missing=missing,
        repetitions=len(repetitions),
        spread=spread(single),
    )


def stored_boxes(
    folder: Path, sequence: Sequence, repetition: int = 1
) -> Float[np.ndarray, "n 4"]:
    """The boxes in a result file, 0-based; no rows where there is no file."""
    path = LAYOUT.boxes(folder, sequence.name, repetition)
    if not path.is_file():
        return np.empty((0, 4))
    return sequence.from_published(read_rows(path, 4))


def _score_sequence(
    folder: Path, sequence: Sequence, repetition: int, protocol: Protocol
) -> SequenceScore:
    boxes = stored_boxes(folder, sequence, repetition)
    curves = protocol.curves(boxes, sequence.boxes, sequence.visible)
    return SequenceScore(
        name=sequence.name,
        frames=len(sequence),
        attributes=tuple(sorted(sequence.attributes)),
        curves={name: tuple(values.tolist()) for name, values in curves.items()},
        scores=protocol.scores(curves),
        fps=store.fps(LAYOUT.times(folder, sequence.name, repetition)),
    )


def _mean_curves(scored: Iterable[SequenceScore], protocol: Protocol) -> dict[str, np.ndarray]:
    return {
        name: np.mean([each.curves[name] for each in scored], axis=0)
        for name in protocol.thresholds
    }


def _scores(scored: Iterable[SequenceScore], protocol: Protocol) -> dict[str, float]:
    return protocol.scores(_mean_curves(scored, protocol))


def _mean(repetitions: list[SequenceScore], protocol: Protocol) -> SequenceScore:
    """One sequence's mean over its repetitions; the speed is over all of their updates."""
    if len(repetitions) == 1:
        return repetitions[0]
    curves = _mean_curves(repetitions, protocol)
    speeds = [each.fps for each in repetitions]
    known = None not in speeds
    return replace(
        repetitions[0],
        curves={name: tuple(values.tolist()) for name, values in curves.items()},
        scores=protocol.scores(curves),
        fps=len(speeds) / sum(1 / fps for fps in speeds) if known else None,
    )
