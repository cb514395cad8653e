"""Scores results that lie in a folder; nothing is tracked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks import scoring
from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS, Protocol, VotProtocol
from cfkd_core.benchmarks.report import Report, SequenceScore, spread
from cfkd_core.benchmarks.reset import read_followed
from cfkd_core.benchmarks.results import ResultLayout
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

# Number of a repetition -> what its file holds; only files with a line for each frame.
Stored = Mapping[int, Float[np.ndarray, "t 4"] | VotRun]
Judge = Callable[[Sequence, Stored], SequenceScore]


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
    """Scores what lies in `results`, the best tracker first.

    A tracker's scores are means over its repetitions; `Report.spread` says how far these lie
    apart.

    Args:
        protocol: a key of `PROTOCOLS`, or, for runs with restarts, of `VOT_PROTOCOLS`.
        experiment: a key of `LAYOUTS`.
        trackers: names of folders to score; all of them if none is named.
        partial: score a tracker on the sequences it has, and name the missing ones in its report.

    Raises:
        InputError: if there are no results, they were made on other data, a file cannot be read,
            the protocol is for another experiment, or (unless `partial`) a sequence is missing or
            has another number of boxes than frames.
    """
    rule = _rule(protocol, experiment)
    _check_annotated(sequences)
    layout = store.LAYOUTS[experiment]
    folders = _folders(results / benchmark, layout, trackers)
    by_name = {sequence.name: sequence for sequence in sequences}
    print_of = cache(lambda name: store.fingerprint(by_name[name], layout))
    for folder in folders.values():
        store.check_current(folder, layout, print_of, by_name)
    reports = [
        _score_tracker(rule, layout, sequences, benchmark, tracker, folder, partial)
        for tracker, folder in folders.items()
    ]
    return sorted(reports, key=_rank)


def _score_tracker(
    rule: Protocol | VotProtocol,
    layout: ResultLayout,
    sequences: list[Sequence],
    benchmark: str,
    tracker: str,
    folder: Path,
    partial: bool,
) -> Report:
    there = {each.name: _stored(rule, layout, folder, each) for each in sequences}
    if not partial:
        _check_complete(folder, [name for name in there if _lacks(name, there)], len(there))
    missing = [name for name, stored in there.items() if not stored]
    if len(missing) == len(there):
        _check_complete(folder, missing, len(there))
    kept = [sequence for sequence in sequences if there[sequence.name]]
    judge = _judge(rule, layout, folder, longest=max(len(sequence) for sequence in sequences))
    report = scoring.make_report(
        rule,
        [judge(each, there[each.name]) for each in kept],
        benchmark=benchmark,
        tracker=tracker,
        source=str(folder),
        card=store.configuration(store.read_card(folder)),
        missing=missing,
    )
    return replace(
        report,
        repetitions=max(len(stored) for stored in there.values()),
        spread=_spread(rule, judge, kept, there),
    )


def default_protocol(benchmark: str, experiment: str) -> str:
    """The protocol that a benchmark's own numbers are published by; OTB's where there is none."""
    if experiment == "ope":
        own = {"got10k-val": "got10k"}.get(benchmark, benchmark)
        return own if own in PROTOCOLS else "otb"
    year = benchmark.removeprefix("vot")
    return f"vot-legacy-{year}" if f"vot-legacy-{year}" in VOT_PROTOCOLS else "vot-legacy-2018"


def _check_annotated(sequences: list[Sequence]) -> None:
    """Refuses videos of which only a server knows more than the first box."""
    for sequence in sequences:
        if len(sequence) > 1 and np.isnan(sequence.boxes[1:]).all():
            raise InputError(
                f"sequence {sequence.name}: only its first box is public; "
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


def _folders(folder: Path, layout: ResultLayout, names: Iterable[str]) -> dict[str, Path]:
    """Tracker -> the folder of its results."""
    trackers = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = {path.name: path / layout.folder for path in trackers}
    found = {name: path for name, path in found.items() if any(layout.files(path))}
    if not found:
        raise InputError(f"{folder}: no results; `python -m cfkd_core run` writes them there")
    for name in names:
        if name not in found:
            have = ", ".join(found)
            raise InputError(f"{folder / name}: no results of this tracker; there are {have}")
    return {name: found[name] for name in names or found}


def _stored(
    rule: Protocol | VotProtocol, layout: ResultLayout, folder: Path, sequence: Sequence
) -> Stored:
    read = read_followed if isinstance(rule, VotProtocol) else read_boxes
    numbers = layout.repetitions(folder, sequence.name)
    found = {number: read(layout, folder, sequence, number) for number in numbers}
    return {number: each for number, each in found.items() if len(each) == len(sequence)}


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


def _check_complete(folder: Path, missing: list[str], count: int) -> None:
    """Refuses what lacks sequences."""
    if missing:
        named = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise InputError(
            f"{folder}: {len(missing)} of {count} sequences missing or incomplete "
            f"({named}); run it to the end, or score what is there with --partial"
        )


def _judge(rule: Protocol | VotProtocol, layout: ResultLayout, folder: Path, longest: int) -> Judge:
    """Scores the repetitions of a sequence.

    Args:
        longest: frames of the benchmark's longest sequence.
    """

    def fps(sequence: Sequence, numbers: Iterable[int]) -> float | None:
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
        scored = [scoring.score_sequence(rule, sequence, boxes, size=size) for boxes in passes]
        return replace(scoring.average(rule, scored), fps=fps(sequence, stored))

    return one_pass


def read_boxes(
    layout: ResultLayout, folder: Path, sequence: Sequence, repetition: int = 1
) -> Float[np.ndarray, "n 4"]:
    """The boxes in a file of one pass, 0-based."""
    return sequence.from_published(read_rows(layout.boxes(folder, sequence.name, repetition), 4))


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
