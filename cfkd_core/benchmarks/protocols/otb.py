"""OTB-2013, OTB-100, and UAV123, which took over OTB's toolkit."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

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


# The area is the mean of the 21 values: no overlap exceeds 1, so a perfect tracker has 20/21.
_MEASURES = {"success_auc": mean("success"), "precision_at_20": at("precision", 20)}
_THRESHOLDS = {"success": OTB_OVERLAPS, "precision": OTB_ERRORS}

OTB = Protocol("otb", _THRESHOLDS, otb_curves, _MEASURES)

# A frame where the target is absent has NaN in UAV123's annotation, which is not positive: by
# OTB's rule it fails in overlap and succeeds in centre error. PyTracking scores it likewise.
UAV123 = Protocol("uav123", _THRESHOLDS, otb_curves, _MEASURES)
