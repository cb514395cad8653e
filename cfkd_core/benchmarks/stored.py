"""Scores results that lie in files, ours or other people's; nothing is tracked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import published, scoring
from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.names import plain
from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS, Protocol, VotProtocol
from cfkd_core.benchmarks.report import Report, SequenceScore, spread
from cfkd_core.benchmarks.reset import read_followed
from cfkd_core.benchmarks.results import ResultLayout
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.regions import moved
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

# Number of a repetition -> what its file holds: boxes as published, or a run, 0-based.
Stored = Mapping[int, Float[np.ndarray, "n 4"] | VotRun]
Judge = Callable[[Sequence, Stored], SequenceScore]


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


def score(
    benchmark: str,
    sequences: list[Sequence],
    results: Path,
    *,
    protocol: str,
    experiment: str = "ope",
    trackers: Iterable[str] = (),
    partial: bool = False,
) -> list[Report]:
    """Score what lies in `results`, the best tracker first.

    A tracker's scores are means over its repetitions; `Report.spread` says how far these lie
    apart.

    Args:
        results: the folder that `run` was given; or other people's results of this benchmark, a
            folder or archive of one tracker or several (`published`).
        protocol: a key of `PROTOCOLS`, or, for runs with restarts, of `VOT_PROTOCOLS`.
        experiment: a key of `LAYOUTS`.
        trackers: names of folders to score; all of them if none is named.
        partial: score a tracker on the sequences it has, and name the missing ones in its report.

    Raises:
        InputError: if there are no results, they were made on other data, a file cannot be read,
            the protocol is for another experiment, or (unless `partial`) a sequence is missing or
            has a number of boxes that the protocol does not take.
    """
    rule = _rule(protocol, experiment)
    _check_annotated(benchmark, sequences)
    entries = _entries(results, benchmark, experiment, sequences, tuple(trackers))
    reports = [
        _score_tracker(rule, experiment, sequences, benchmark, tracker, entry, partial)
        for tracker, entry in entries.items()
    ]
    return sorted(reports, key=_rank)


def first_answers(
    benchmark: str, sequence: Sequence, results: Path, trackers: Iterable[str]
) -> dict[str, Float[np.ndarray, "n 4"]]:
    """Read each tracker's boxes on one sequence, of its first repetition, 0-based.

    Args:
        results: as in `score`.
        trackers: names; all that there are if none is named.

    Raises:
        InputError: if there are no results, or a tracker has none on this sequence.
    """
    wanted = tuple(trackers)
    entries = _entries(results, benchmark, "ope", [sequence], wanted)
    found = {}
    for tracker in wanted or entries:
        entry = entries[tracker]
        stored = entry.there.get(sequence.name, {})
        if not stored:
            raise InputError(f"{entry.source}: no result of {tracker} on {sequence.name}; run it")
        boxes = cast("np.ndarray", stored[min(stored)])
        found[tracker] = sequence.from_published(boxes)
    return found


def _score_tracker(
    rule: Protocol | VotProtocol,
    experiment: str,
    sequences: list[Sequence],
    benchmark: str,
    tracker: str,
    entry: Entry,
    partial: bool,
) -> Report:
    there = {each.name: _taken(rule, entry.there.get(each.name, {}), each) for each in sequences}
    if not partial:
        _check_complete(entry, [each for each in sequences if _lacks(each.name, there)], sequences)
    missing = [each for each in sequences if not there[each.name]]
    if len(missing) == len(there):
        _check_complete(entry, missing, sequences)
    kept = [sequence for sequence in sequences if there[sequence.name]]
    longest = max(len(sequence) for sequence in sequences)
    judge = _judge(rule, store.LAYOUTS[experiment], entry.folder, longest)
    report = scoring.make_report(
        rule,
        [judge(each, there[each.name]) for each in kept],
        benchmark=benchmark,
        tracker=tracker,
        source=str(entry.source),
        card=store.configuration(entry.card),
        missing=[each.name for each in missing],
        notes=[_note(tracker, entry, kept, sequences)] if entry.foreign else [],
    )
    return replace(
        report,
        repetitions=max(len(stored) for stored in there.values()),
        spread=_spread(rule, judge, kept, there),
    )


def _note(tracker: str, entry: Entry, kept: list[Sequence], sequences: list[Sequence]) -> str:
    """What of other people's files was matched, and what was not, in one line."""
    lengths = [
        (each.name, len(stored) - len(each))
        for each in kept
        for stored in entry.there[each.name].values()
    ]
    longer = [name for name, more in lengths if more > 0]
    shorter = [name for name, more in lengths if more < 0]
    lacking = [each.name for each in sequences if each not in kept]
    parts = [f"{tracker}: {len(kept)} of {len(sequences)} sequences matched"]
    for what, names in (
        ("without a result", lacking),
        ("more boxes than frames, cut", longer),
        ("fewer boxes than frames, by the protocol's rule", shorter),
        ("files that match no sequence", entry.strange),
    ):
        if names:
            parts.append(f"{what}: {_some(names)}")
    return "; ".join(parts)


def default_protocol(benchmark: str, experiment: str) -> str:
    """The protocol that a benchmark's own numbers are published by; OTB's where there is none."""
    if experiment == "ope":
        own = {"got10k-val": "got10k"}.get(benchmark, benchmark)
        return own if own in PROTOCOLS else "otb"
    year = benchmark.removeprefix("vot")
    return f"vot-legacy-{year}" if f"vot-legacy-{year}" in VOT_PROTOCOLS else "vot-legacy-2018"


def _check_annotated(benchmark: str, sequences: list[Sequence]) -> None:
    """Refuses a benchmark of which only a server knows more than the first boxes.

    A video of one's own may well lose its target after the first frame.
    """
    longer = [each for each in sequences if len(each) > 1]
    hidden = [each for each in longer if np.isnan(each.boxes[1:]).all()]
    if benchmark != "own" and hidden and len(hidden) == len(longer):
        raise InputError(
            f"sequence {hidden[0].name}: only its first box is public; "
            "`python -m cfkd_core submit` packs results for the benchmark's server"
        )


def _rule(name: str, experiment: str) -> Protocol | VotProtocol:
    known = PROTOCOLS if experiment == "ope" else VOT_PROTOCOLS
    if name not in known:
        raise InputError(
            f"protocol {name!r} is none of experiment {experiment}; choose from {', '.join(known)}"
        )
    return known[name]


def _rank(report: Report) -> tuple[bool, float]:
    first = next(iter(report.scores.values()))
    return bool(np.isnan(first)), -first


def _entries(
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


def _taken(rule: Protocol | VotProtocol, stored: Stored, sequence: Sequence) -> Stored:
    """The repetitions that the protocol scores: of the sequence's length, or of one it knows."""
    frames = len(sequence)
    if isinstance(rule, VotProtocol):
        return {number: each for number, each in stored.items() if len(each) == frames}
    return {number: each for number, each in stored.items() if rule.takes(len(each), frames)}


def _lacks(name: str, there: Mapping[str, Stored]) -> bool:
    """Whether a sequence lacks repetitions that others have, and is not the same in each."""
    most = max(len(stored) for stored in there.values())
    stored = list(there[name].values())
    same = all(_same(each, stored[0]) for each in stored[1:])
    return not stored or (len(stored) < most and not (len(stored) > 1 and same))


def _same(first: np.ndarray | VotRun, second: np.ndarray | VotRun) -> bool:
    pairs = zip(_arrays(first), _arrays(second), strict=True)
    return all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)


def _arrays(stored: np.ndarray | VotRun) -> tuple[np.ndarray, ...]:
    return (stored.regions, stored.codes) if isinstance(stored, VotRun) else (stored,)


def _check_complete(entry: Entry, missing: list[Sequence], sequences: list[Sequence]) -> None:
    """Refuses what lacks sequences, or has them in a length that is not theirs."""
    if not missing:
        return
    lengths = {
        each.name: f"{each.name} has {len(stored)} of {len(each)} frames"
        for each in missing
        for stored in entry.there.get(each.name, {}).values()
        if len(stored) != len(each)
    }
    strange = [f"{name} matches no sequence" for name in entry.strange]
    reasons = _some([*lengths.values(), *strange], 3)
    raise InputError(
        f"{entry.source}: {len(missing)} of {len(sequences)} sequences missing or incomplete "
        f"({_some(each.name for each in missing)}){'; ' if reasons else ''}{reasons}; "
        "run it to the end, or score what is there with --partial"
    )


def _some(names: Iterable[str], count: int = 5) -> str:
    names = tuple(names)
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def _judge(
    rule: Protocol | VotProtocol, layout: ResultLayout, folder: Path | None, longest: int
) -> Judge:
    """Scores the repetitions of a sequence.

    Args:
        longest: frames of the benchmark's longest sequence.
    """

    def fps(sequence: Sequence, numbers: Iterable[int]) -> float | None:
        if folder is None:
            return None
        speeds = [store.fps(layout.times(folder, sequence.name, number)) for number in numbers]
        known = [speed for speed in speeds if speed is not None]
        return len(known) / sum(1 / speed for speed in known) if known == speeds else None

    # what is stored was read by the same rule: runs for one with restarts, boxes for another

    if isinstance(rule, VotProtocol):

        def with_restarts(sequence: Sequence, stored: Stored) -> SequenceScore:
            runs = cast("Iterable[VotRun]", stored.values())
            found = rule.passes(runs, store.annotation(sequence), _image_size(sequence))
            return scoring.score_passes(
                rule,
                sequence.name,
                found,
                longest,
                attributes=sequence.attributes,
                fps=fps(sequence, stored),
            )

        return with_restarts

    def one_pass(sequence: Sequence, stored: Stored) -> SequenceScore:
        size = _image_size(sequence) if rule.cuts else None
        passes = cast("Iterable[np.ndarray]", stored.values())
        scored = [scoring.score_published(rule, sequence, boxes, size=size) for boxes in passes]
        return replace(scoring.average(rule, scored), fps=fps(sequence, stored))

    return one_pass


def read_boxes(
    layout: ResultLayout, folder: Path, sequence: Sequence, repetition: int = 1
) -> Float[np.ndarray, "n 4"]:
    """The boxes in a file of one pass, 0-based."""
    return sequence.from_published(_read_published(layout, folder, sequence, repetition))


def _read_published(
    layout: ResultLayout, folder: Path, sequence: Sequence, repetition: int
) -> Float[np.ndarray, "n 4"]:
    return read_rows(layout.boxes(folder, sequence.name, repetition), 4)


def _spread(
    rule: Protocol | VotProtocol,
    judge: Judge,
    sequences: list[Sequence],
    there: Mapping[str, Stored],
) -> dict[str, float]:
    """Standard deviation of the scores between the repetitions that all sequences have."""
    common = set.intersection(*(set(there[each.name]) for each in sequences))
    if len(common) < 2:
        return {}
    single = [
        scoring.make_report(
            rule,
            [judge(each, {number: there[each.name][number]}) for each in sequences],
            benchmark="",
            tracker="",
        )
        for number in sorted(common)
    ]
    return spread([report.scores for report in single])


def _image_size(sequence: Sequence) -> tuple[int, int]:
    height, width = sequence.frames[0].shape[:2]
    return width, height
