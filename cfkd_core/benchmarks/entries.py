"""What lies on disk of each tracker, ours or other people's, before any of it is scored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import published
from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.names import plain
from cfkd_core.benchmarks.reset import read_followed
from cfkd_core.benchmarks.results import ResultLayout
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.regions import moved
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

# Number of a repetition -> what its file holds: boxes as published, or a run, 0-based.
Stored = Mapping[int, Float[np.ndarray, "n 4"] | VotRun]


@dataclass(frozen=True)
class Entry:
    """What there is of one tracker.

    Attributes:
        source: the folder or archive that holds it.
        there: sequence -> repetitions, of any length.
        folder: where the times lie; None where there are none.
        strange: files beside the tracker's own that match no sequence.
        foreign: whether somebody else's toolkit wrote it.
    """

    source: Path
    there: Mapping[str, Stored]
    folder: Path | None = None
    card: dict[str, Any] = field(default_factory=dict)
    strange: tuple[str, ...] = ()
    foreign: bool = False


def find(
    results: Path,
    benchmark: str,
    experiment: str,
    sequences: list[Sequence],
    trackers: tuple[str, ...],
) -> dict[str, Entry]:
    """Tracker -> what there is of it; of those that are named, or of all."""
    folder = results / benchmark
    if not folder.is_dir():
        return _foreign(results, folder, experiment, sequences, trackers)
    found: dict[str, Entry] = {}
    layout = store.LAYOUTS[experiment]
    for path in sorted(folder.iterdir()):
        place = path / layout.folder
        ours = path.is_dir() and any(layout.files(place))
        if ours and (experiment != "ope" or store.read_card(place)):
            found[path.name] = _own(place, experiment, sequences)
        elif experiment == "ope" and _holds_boxes(path):
            found |= _read_foreign(path, experiment, sequences, ())
    if not found:
        found = _foreign(folder, folder, experiment, sequences, ())
    for name in trackers:
        if name not in found:
            have = ", ".join(found)
            raise InputError(f"{folder / name}: no results of this tracker; there are {have}")
    return {name: found[name] for name in trackers or found}


def _holds_boxes(path: Path) -> bool:
    """Whether a folder or archive may hold other people's results of one pass."""
    if path.is_dir():
        return any(file.suffix.lower() in (".txt", ".mat") for file in path.rglob("*"))
    return path.suffix.lower() == ".zip"


def _own(folder: Path, experiment: str, sequences: list[Sequence]) -> Entry:
    layout = store.LAYOUTS[experiment]
    by_name = {sequence.name: sequence for sequence in sequences}
    print_of = cache(lambda name: store.fingerprint(by_name[name], layout))
    store.check_current(folder, layout, print_of, by_name)
    read = _read_published if experiment == "ope" else read_followed
    there = {
        each.name: {
            number: read(layout, folder, each, number)
            for number in layout.repetitions(folder, each.name)
        }
        for each in sequences
    }
    return Entry(folder, there, folder, store.read_card(folder))


def _foreign(
    source: Path,
    folder: Path,
    experiment: str,
    sequences: list[Sequence],
    trackers: tuple[str, ...],
) -> dict[str, Entry]:
    """Other people's results in `source`, which must not be the folder of another benchmark's."""
    if not source.exists() or (source.is_dir() and any(source.rglob(store.CARD))):
        raise InputError(f"{folder}: no results; `python -m cfkd_core run` writes them there")
    return _read_foreign(source, experiment, sequences, trackers)


def _read_foreign(
    source: Path, experiment: str, sequences: list[Sequence], trackers: tuple[str, ...]
) -> dict[str, Entry]:
    names = [each.name for each in sequences]
    if experiment == "ope":
        found = published.read_trackers(source, names, trackers)
        return {
            tracker: Entry(
                source,
                {name: dict(enumerate(boxes, 1)) for name, boxes in results.items()},
                source if source.is_dir() else None,
                strange=found.unmatched[tracker],
                foreign=True,
            )
            for tracker, results in found.trackers.items()
        }
    runs = published.read_restarts_of_all(source, store.LAYOUTS[experiment].folder)
    for name in trackers:
        if name not in runs:
            raise InputError(f"{source}: no results of tracker {name}; there are {', '.join(runs)}")
    return {tracker: _restarted(source, sequences, runs[tracker]) for tracker in trackers or runs}


def _restarted(source: Path, sequences: list[Sequence], runs: Mapping[str, list[VotRun]]) -> Entry:
    """A tracker's published runs with restarts, 0-based."""
    by_name = {plain(each.name): each for each in sequences}
    matched = {
        by_name[plain(name)].name: found for name, found in runs.items() if plain(name) in by_name
    }
    there = {
        each.name: {
            number: VotRun(moved(run.regions, -each.origin), run.codes)
            for number, run in enumerate(matched.get(each.name, []), 1)
        }
        for each in sequences
    }
    strange = tuple(name for name in runs if plain(name) not in by_name)
    return Entry(source, there, strange=strange, foreign=True)


def read_boxes(
    layout: ResultLayout, folder: Path, sequence: Sequence, repetition: int = 1
) -> Float[np.ndarray, "n 4"]:
    """The boxes in a file of one pass, 0-based."""
    return sequence.from_published(_read_published(layout, folder, sequence, repetition))


def _read_published(
    layout: ResultLayout, folder: Path, sequence: Sequence, repetition: int
) -> Float[np.ndarray, "n 4"]:
    return read_rows(layout.boxes(folder, sequence.name, repetition), 4)
