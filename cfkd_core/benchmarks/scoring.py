"""From one tracker's answers to its report, by any protocol."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks.names import plain
from cfkd_core.benchmarks.protocols import Protocol, VotProtocol
from cfkd_core.benchmarks.protocols.protocol import Curves
from cfkd_core.benchmarks.protocols.vot import Passes
from cfkd_core.benchmarks.report import Report, SequenceScore, mean_curve
from cfkd_core.benchmarks.vot import VotAnnotation, VotRun
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError


@dataclass(frozen=True)
class Annotation:
    """What a protocol needs to know of a video; its frames are not needed.

    Attributes:
        boxes: (x, y, w, h) in px of the frame; NaN where the target has no annotation.
        visible: False where a protocol must not count the frame as one with a target.
        attributes: challenges, in the benchmark's codes.
        origin: index of the first pixel in the benchmark's own files.
    """

    name: str
    boxes: Float[np.ndarray, "t 4"]
    visible: Bool[np.ndarray, "t"]
    attributes: frozenset[str] = field(default_factory=frozenset)
    origin: int = 0


def score_sequence(
    protocol: Protocol,
    truth: Annotation | Sequence,
    predicted: Float[np.ndarray, "n 4"],
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
) -> SequenceScore:
    """Score one sequence, run from start to end.

    Args:
        predicted: in the same coordinates as `truth.boxes`.
        fps: frames per second of the tracker's updates, if known.
        size: width and height of the image, for protocols that cut boxes to it.

    Raises:
        InputError: if there is not one box a frame, unless the protocol knows what to do then.
    """
    return score_published(protocol, truth, predicted + _first_pixel(truth), fps=fps, size=size)


def score_published(
    protocol: Protocol,
    truth: Annotation | Sequence,
    published: Float[np.ndarray, "n 4"],
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
) -> SequenceScore:
    """`score_sequence` of boxes as the benchmark's files have them, counted from `truth.origin`.

    Toolkits compute with these numbers, whose last bit a shift of a pixel may change.
    """
    if not protocol.takes(len(published), len(truth.boxes)):
        raise InputError(
            f"sequence {truth.name}: {len(published)} boxes for {len(truth.boxes)} frames; "
            "the results are of another version of this sequence, or incomplete"
        )
    sized = (size,) if protocol.cuts else ()
    annotated = truth.boxes + _first_pixel(truth)
    curves = protocol.curves(published, annotated, truth.visible, *sized)
    weight = protocol.weight(truth.visible)
    return SequenceScore(
        name=truth.name,
        frames=len(truth.boxes),
        attributes=tuple(sorted(truth.attributes)),
        curves=_tuples(curves),
        scores=protocol.scores(curves),
        fps=fps,
        # equal weights are left out
        weights={} if weight == 1 else dict.fromkeys(curves, (weight,)),
    )


def _first_pixel(truth: Annotation | Sequence) -> Float[np.ndarray, "4"]:
    """What a 0-based box and a published one differ by."""
    return np.array([truth.origin, truth.origin, 0.0, 0.0])


def score_passes(
    protocol: VotProtocol,
    name: str,
    found: Passes,
    longest: int,
    *,
    attributes: Iterable[str] = (),
    fps: float | None = None,
) -> SequenceScore:
    """One sequence, run with restarts.

    Args:
        longest: frames of the benchmark's longest sequence.
    """
    curves, weights = protocol.curves(found, longest)
    return SequenceScore(
        name=name,
        frames=found.codes.shape[1],
        attributes=tuple(sorted(attributes)),
        curves=_tuples(curves),
        scores=protocol.scores(curves),
        fps=fps,
        weights=_tuples(weights),
    )


def score_one_pass(
    protocol: Protocol,
    truths: Iterable[Annotation | Sequence],
    results: Mapping[str, Iterable[Float[np.ndarray, "_ 4"]]],
    *,
    benchmark: str,
    tracker: str,
    source: str = "",
) -> Report:
    """A tracker's published boxes, sequence by sequence; those without any are named as missing.

    Args:
        results: sequence -> boxes of its repetitions, as published: counted from `truth.origin`.
            Names are matched whatever their case and separators (`names.plain`): `jogging_1` and
            `Jogging-1` are `Jogging.1`.

    Raises:
        InputError: if a sequence has a number of boxes that the protocol does not take, two results
            are of one sequence, or none has a result.
    """
    found = _plainly_named(results)
    truths = tuple(truths)
    scored = [
        _score_repetitions(protocol, truth, found[plain(truth.name)])
        for truth in truths
        if plain(truth.name) in found
    ]
    return make_report(
        protocol,
        scored,
        benchmark=benchmark,
        tracker=tracker,
        source=source,
        missing=[truth.name for truth in truths if plain(truth.name) not in found],
    )


def _plainly_named(
    results: Mapping[str, Iterable[Float[np.ndarray, "_ 4"]]],
) -> dict[str, tuple[Float[np.ndarray, "_ 4"], ...]]:
    names: dict[str, str] = {}
    for name in results:
        other = names.setdefault(plain(name), name)
        if other != name:
            raise InputError(f"{other} and {name} are results of the same sequence; keep one")
    return {plain(name): tuple(boxes) for name, boxes in results.items()}


def _score_repetitions(
    protocol: Protocol, truth: Annotation | Sequence, repetitions: Iterable[np.ndarray]
) -> SequenceScore:
    return average(protocol, [score_published(protocol, truth, boxes) for boxes in repetitions])


def average(protocol: Protocol, repetitions: list[SequenceScore]) -> SequenceScore:
    """One sequence's mean over its repetitions, at least one."""
    if len(repetitions) == 1:
        return repetitions[0]
    curves = {name: mean_curve(repetitions, name) for name in repetitions[0].curves}
    return replace(repetitions[0], curves=_tuples(curves), scores=protocol.scores(curves))


def score_restarts(
    protocol: VotProtocol,
    truths: Iterable[VotAnnotation],
    results: Mapping[str, Iterable[VotRun]],
    *,
    benchmark: str,
    tracker: str,
    source: str = "",
) -> Report:
    """A tracker's runs with restarts, sequence by sequence; those without any are named as missing.

    A sequence has the attributes that some frame of it is tagged with.

    Args:
        results: sequence -> its repetitions.

    Raises:
        InputError: if a run is not as long as its sequence, or no sequence has one.
    """
    truths = tuple(truths)
    longest = max((len(truth.regions) for truth in truths), default=0)
    scored = [
        score_passes(
            protocol,
            truth.name,
            protocol.passes(_whole(results[truth.name], truth), truth.regions, truth.size),
            longest,
            attributes=[tag for tag, frames in truth.tags.items() if frames.any()],
        )
        for truth in truths
        if truth.name in results
    ]
    return make_report(
        protocol,
        scored,
        benchmark=benchmark,
        tracker=tracker,
        source=source,
        missing=[truth.name for truth in truths if truth.name not in results],
    )


def _whole(runs: Iterable[VotRun], truth: VotAnnotation) -> list[VotRun]:
    runs = list(runs)
    for run in runs:
        if len(run) != len(truth.regions):
            raise InputError(
                f"sequence {truth.name}: a run of {len(run)} frames, of {len(truth.regions)}; "
                "the results are of another year's sequence, or incomplete"
            )
    return runs


def make_report(
    protocol: Protocol | VotProtocol,
    sequences: Iterable[SequenceScore],
    *,
    benchmark: str,
    tracker: str,
    source: str = "",
    card: dict[str, object] | None = None,
    missing: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Report:
    """One tracker on one benchmark: its sequences, and the scores of their mean curves.

    Raises:
        InputError: if there is no sequence.
    """
    scored = tuple(sequences)
    if not scored:
        raise InputError(f"{tracker} on {benchmark}: no sequence to score; run the tracker first")
    if isinstance(protocol, VotProtocol):
        thresholds = protocol.thresholds(len(scored[0].curves["eao"]))
    else:
        thresholds = protocol.thresholds
    mean = {name: mean_curve(scored, name) for name in thresholds}
    return Report(
        protocol=protocol.name,
        benchmark=benchmark,
        tracker=tracker,
        source=source,
        card=card or {},
        thresholds=_tuples(thresholds),
        scores=protocol.scores(mean),
        sequences=scored,
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _tuples(curves: Curves) -> dict[str, tuple[float, ...]]:
    return {name: tuple(values.tolist()) for name, values in curves.items()}
