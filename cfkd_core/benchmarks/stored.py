"""Scores results that lie in files, ours or other people's; nothing is tracked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks import entries, scoring
from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks.entries import Entry, Stored
from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS, Protocol, VotProtocol
from cfkd_core.benchmarks.report import Report, SequenceScore, spread
from cfkd_core.benchmarks.results import ResultLayout
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

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
    found = entries.find(results, benchmark, experiment, sequences, tuple(trackers))
    reports = [
        _score_tracker(rule, experiment, sequences, benchmark, tracker, entry, partial)
        for tracker, entry in found.items()
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
    found = entries.find(results, benchmark, "ope", [sequence], wanted)
    answers = {}
    for tracker in wanted or found:
        stored = found[tracker].there.get(sequence.name, {})
        if not stored:
            source = found[tracker].source
            raise InputError(f"{source}: no result of {tracker} on {sequence.name}; run it")
        boxes = cast("np.ndarray", stored[min(stored)])
        answers[tracker] = sequence.from_published(boxes)
    return answers


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
