"""What the evaluation toolkit of PySOT makes of a benchmark."""

from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.lasot import NORM_ERRORS
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

# Not OTB's grid: ties between overlap and threshold may fall otherwise in the last bit.
OVERLAPS = np.arange(0, 1.05, 0.05)


def pysot_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    *,
    drop_absent: bool = False,
) -> Curves:
    """Success, precision and normalised precision of one sequence.

    Predictions count as they are: the first frame too, and one without an area is not mended. A
    frame whose annotation has no area fails in overlap; one whose annotated centre is not right of
    and below the origin succeeds in both errors.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: False where the benchmark says that no target is seen.
        drop_absent: leave such frames out of the numerator, as the toolkit does for LaSOT alone;
            the denominator stays.

    Source: protocols.md 1.4, on the toolkit of STVIR/pysot.
    """
    shown = visible | (not drop_absent)
    centres = boxes.centre(ground_truth)
    sized = (ground_truth[:, 2:] > 0).all(axis=1)
    placed = (centres > 0).all(axis=1)
    overlaps = np.where(sized, boxes.iou(predicted, ground_truth), -1.0)
    errors = np.where(placed, metrics.centre_error(predicted, ground_truth), -1.0)
    relative = np.where(placed & sized, metrics.norm_error(predicted, ground_truth), -1.0)
    return {
        "success": metrics.success_curve(np.where(shown, overlaps, -1.0), OVERLAPS),
        "precision": metrics.precision_curve(np.where(shown, errors, np.inf), OTB_ERRORS),
        "norm_precision": metrics.precision_curve(np.where(shown, relative, np.inf), NORM_ERRORS),
    }


_THRESHOLDS = {"success": OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS}
_MEASURES = {
    "success_auc": mean("success"),
    "precision_at_20": at("precision", 20),
    "norm_precision_at_20": at("norm_precision", 20),
}

PYSOT = Protocol("pysot", _THRESHOLDS, pysot_curves, _MEASURES)
PYSOT_LASOT = Protocol(
    "pysot-lasot", _THRESHOLDS, partial(pysot_curves, drop_absent=True), _MEASURES
)
