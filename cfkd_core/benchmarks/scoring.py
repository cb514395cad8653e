"""From one tracker's answers to its report, by any protocol."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks.protocols import Protocol, VotProtocol
from cfkd_core.benchmarks.protocols.protocol import Curves
from cfkd_core.benchmarks.protocols.vot import Passes
from cfkd_core.benchmarks.report import Report, SequenceScore, mean_curve
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError


@dataclass(frozen=True)
class Annotation:
    """What a protocol needs to know of a video; its frames are not needed.

    Attributes:
        boxes: (x, y, w, h) in px of the frame; NaN where the target has no annotation.
        visible: False where a protocol must not count the frame as one with a target.
        attributes: challenges, in the benchmark's codes.
    """

    name: str
    boxes: Float[np.ndarray, "t 4"]
    visible: Bool[np.ndarray, "t"]
    attributes: frozenset[str] = field(default_factory=frozenset)


def score_sequence(
    protocol: Protocol,
    truth: Annotation | Sequence,
    predicted: Float[np.ndarray, "n 4"],
    *,
    fps: float | None = None,
) -> SequenceScore:
    """One sequence, run from start to end.

    Args:
        predicted: in the same coordinates as `truth.boxes`.
        fps: frames per second of the tracker's updates, if known.

    Raises:
        InputError: if there is not one box a frame.
    """
    if len(predicted) != len(truth.boxes):
        raise InputError(
            f"sequence {truth.name}: {len(predicted)} boxes for {len(truth.boxes)} frames; "
            "the results are of another version of this sequence, or incomplete"
        )
    curves = protocol.curves(predicted, truth.boxes, truth.visible)
    weight = protocol.weight(truth.visible)
    return SequenceScore(
        name=truth.name,
        frames=len(predicted),
        attributes=tuple(sorted(truth.attributes)),
        curves=_tuples(curves),
        scores=protocol.scores(curves),
        fps=fps,
        # equal weights are left out
        weights={} if weight == 1 else {name: (weight,) for name in curves},
    )


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


def make_report(
    protocol: Protocol | VotProtocol,
    sequences: Iterable[SequenceScore],
    *,
    benchmark: str,
    tracker: str,
    source: str = "",
    card: dict[str, object] | None = None,
    missing: Iterable[str] = (),
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
    )


def _tuples(curves: Curves) -> dict[str, tuple[float, ...]]:
    return {name: tuple(values.tolist()) for name, values in curves.items()}
