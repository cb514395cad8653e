"""What PyTracking's analysis makes of a benchmark; presumably the thesis's LaSOT numbers."""

from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.lasot import NORM_ERRORS
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS
from cfkd_core.benchmarks.protocols.protocol import (
    Curves,
    Protocol,
    at,
    cut,
    cut_or_padded,
    mean,
)

# Not OTB's grid: ties between overlap and threshold may fall otherwise in the last bit.
OVERLAPS = np.arange(0, 1.05, 0.05)


def pytracking_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    *,
    error: float = np.inf,
    absent_norm_error: float = -1.0,
) -> Curves:
    """Success, precision and normalised precision of one sequence.

    The first frame counts, as the ground truth itself; a prediction without an area stands for
    the one before it. All frames stay in the denominator, and one without a target, or with an
    annotation without an area, fails in overlap. What its errors count as depends on the
    benchmark.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: False where the benchmark says that no target is seen.
        error: centre error in px of such frames, and of those with an invalid annotation;
            -1 succeeds at every threshold, infinity fails.
        absent_norm_error: normalised error where no target is seen. An invalid annotation of a
            target that is seen always succeeds.

    Source: facts.md 6.2 and protocols.md 1.4, on PyTracking's analysis/extract_results.
    Differs: there, a prediction that is NaN stops the evaluation; here the box before it counts.
    """
    repaired = metrics.hold_last(np.concatenate([ground_truth[:1], predicted[1:]]))
    counted = visible & metrics.is_box(ground_truth)
    overlaps = np.where(counted, boxes.iou(repaired, ground_truth), -1.0)
    errors = np.where(counted, metrics.centre_error(repaired, ground_truth), error)
    relative = np.where(counted, metrics.norm_error(repaired, ground_truth), -1.0)
    relative[~visible] = absent_norm_error
    return {
        "success": metrics.success_curve(overlaps, OVERLAPS),
        "precision": metrics.precision_curve(errors, OTB_ERRORS),
        "norm_precision": metrics.precision_curve(relative, NORM_ERRORS),
    }


PYTRACKING = Protocol(
    name="pytracking",
    thresholds={"success": OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS},
    curves=pytracking_curves,
    measures={
        "success_auc": mean("success"),
        "precision_at_20": at("precision", 20),
        "norm_precision_at_20": at("norm_precision", 20),
    },
    fit=cut_or_padded,
)
PYTRACKING_LASOT = replace(
    PYTRACKING,
    name="pytracking-lasot",
    curves=partial(pytracking_curves, absent_norm_error=np.inf),
    fit=cut,
)
PYTRACKING_UAV123 = replace(
    PYTRACKING, name="pytracking-uav123", curves=partial(pytracking_curves, error=-1.0)
)
