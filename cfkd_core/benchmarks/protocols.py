"""What each benchmark counts as success, by name: `PROTOCOLS`.

A protocol turns the boxes of one sequence into curves, and a curve into scores. Curves are
averaged over sequences, not frames, so a long sequence weighs no more than a short one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics

Curves = Mapping[str, Float[np.ndarray, "_"]]


@dataclass(frozen=True)
class Protocol:
    """The rule of one benchmark.

    Attributes:
        name: as commands and reports write it.
        thresholds: the horizontal axis of each curve, by the curve's name.
        curves: (predicted, ground truth, visible) of one sequence -> its curves.
        scores: curves, of a sequence or their mean, -> named numbers.
    """

    name: str
    thresholds: Curves
    curves: Callable[..., Curves]
    scores: Callable[[Curves], dict[str, float]]


OTB_OVERLAPS = metrics.colon_grid(0.05, 21)
OTB_ERRORS = np.arange(51.0)


def otb_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Success and precision of one sequence by the rule of the OTB toolkit.

    The first frame counts, as the ground truth itself. An invalid prediction stands for the one
    before it. A frame without a valid ground truth is a failure in overlap but a success in
    centre error: the toolkit writes -1 for both, and -1 px is below every threshold.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: OTB's rule: all four published numbers are positive.

    Source: MATLAB tracker_benchmark v1.1, calcSeqErrRobust and genPerfMat; equal to the curves
        it wrote for nine trackers on OTB-100 (tests/benchmarks/test_otb_oracle.py).
    """
    repaired = metrics.hold_last(np.concatenate([ground_truth[:1], predicted[1:]]))
    overlaps = np.where(visible, boxes.iou(repaired, ground_truth), -1.0)
    errors = np.where(visible, metrics.centre_error(repaired, ground_truth), -1.0)
    return {
        "success": metrics.success_curve(overlaps, OTB_OVERLAPS),
        "precision": metrics.precision_curve(errors, OTB_ERRORS),
    }


def otb_scores(curves: Curves) -> dict[str, float]:
    """Area under the success curve, and precision at 20 px.

    The area is the mean of the 21 values: no overlap exceeds 1, so a perfect tracker has 20/21.
    """
    return {
        "success_auc": float(np.mean(curves["success"])),
        "precision_at_20": float(curves["precision"][20]),
    }


PROTOCOLS = {
    "otb": Protocol(
        name="otb",
        thresholds={"success": OTB_OVERLAPS, "precision": OTB_ERRORS},
        curves=otb_curves,
        scores=otb_scores,
    ),
}
