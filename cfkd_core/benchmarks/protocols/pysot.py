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

# Keeps sides of 0 from dividing by zero; a centre then lies far away, and its error fails.
_EPSILON = 1e-16


def pysot_curves(
    predicted: Float[np.ndarray, "n 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    *,
    drop_absent: bool = False,
) -> Curves:
    """Compute success, precision and normalised precision of one sequence by PySOT's toolkit.

    Three places surprise:

    - Predictions count as they are: the first frame too, and one without an area is not mended.
    - A frame whose annotation has no area fails in overlap, and in normalised error, for its
      centre is divided by 1e-16. One whose annotated centre is not right of and below the origin
      succeeds in both errors.
    - Overlaps are limited to 1, so that rounding never makes a perfect tracker succeed there.

    Args:
        predicted: px of the frame, as the benchmark publishes them.
        ground_truth: in the same coordinates.
        visible: False where the benchmark says that no target is seen.
        drop_absent: leave such frames out of the numerator, as the toolkit does for LaSOT alone;
            the denominator stays, and boxes beyond the last frame are cut off.

    Source: STVIR/pysot (d04028f), toolkit/evaluation/ope_benchmark.py and utils/statistics.py.
    Differs: there, only monkey-17 of LaSOT may have more boxes than frames; here every sequence.
    """
    shown = visible | (not drop_absent)
    found = predicted[: len(ground_truth)]
    sized = (ground_truth[:, 2:] > 0).all(axis=1)
    overlaps = np.where(sized, boxes.iou(found, ground_truth).clip(0, 1), -1.0)
    middles = [metrics.centres(each) for each in (found, ground_truth)]
    sides = ground_truth[:, 2:] + _EPSILON
    errors = _placed_error(*middles)
    relative = _placed_error(*(each / sides for each in middles))
    return {
        "success": metrics.success_curve(np.where(shown, overlaps, -1.0), OVERLAPS),
        "precision": metrics.precision_curve(np.where(shown, errors, np.inf), OTB_ERRORS),
        "norm_precision": metrics.precision_curve(np.where(shown, relative, np.inf), NORM_ERRORS),
    }


def _placed_error(
    found: Float[np.ndarray, "t 2"], truth: Float[np.ndarray, "t 2"]
) -> Float[np.ndarray, "t"]:
    """Distance of the centres; -1 where the annotated one is not right of and below the origin."""
    return np.where((truth > 0).all(axis=1), metrics.length(truth - found), -1.0)


_THRESHOLDS = {"success": OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS}
_MEASURES = {
    "success_auc": mean("success"),
    "precision_at_20": at("precision", 20),
    "norm_precision_at_20": at("norm_precision", 20),
}

PYSOT = Protocol("pysot", _THRESHOLDS, pysot_curves, _MEASURES)
PYSOT_LASOT = Protocol(
    "pysot-lasot", _THRESHOLDS, partial(pysot_curves, drop_absent=True), _MEASURES, longer=True
)
