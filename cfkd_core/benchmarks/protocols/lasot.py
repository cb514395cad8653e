"""LaSOT, whose targets leave the picture and come back."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS, OTB_OVERLAPS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

NORM_ERRORS = np.arange(51.0) / 100


def lasot_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Success, precision and normalised precision of one sequence by LaSOT's toolkit.

    As OTB's, but a frame where the target is absent counts in the denominator only: whatever the
    tracker answers there, it fails. The three visible frames of the test set whose annotated box
    has no area fail in overlap and succeed in both errors, as in OTB.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: False where LaSOT flags the target as absent.

    Source: HengLan/LaSOT_Evaluation_Toolkit; protocols.md 1.2.
    """
    repaired = metrics.hold_last(np.concatenate([ground_truth[:1], predicted[1:]]))
    valid = metrics.is_box(ground_truth)

    def marked(values: Float[np.ndarray, "t"], absent: float) -> Float[np.ndarray, "t"]:
        return np.where(visible, np.where(valid, values, -1.0), absent)

    overlaps = marked(boxes.iou(repaired, ground_truth), -1.0)
    errors = marked(metrics.centre_error(repaired, ground_truth), np.inf)
    relative = marked(metrics.norm_error(repaired, ground_truth), np.inf)
    return {
        "success": metrics.success_curve(overlaps, OTB_OVERLAPS),
        "precision": metrics.precision_curve(errors, OTB_ERRORS),
        "norm_precision": metrics.precision_curve(relative, NORM_ERRORS),
    }


LASOT = Protocol(
    name="lasot",
    thresholds={"success": OTB_OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS},
    curves=lasot_curves,
    measures={
        "success_auc": mean("success"),
        "precision_at_20": at("precision", 20),
        "norm_precision_at_20": at("norm_precision", 20),
    },
)
