"""OTB-2013, OTB-100, and UAV123, which took over OTB's toolkit."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

OTB_OVERLAPS = metrics.colon_grid(0.05, 21)
OTB_ERRORS = np.arange(51.0)


def otb_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Compute success and precision of one sequence by the rule of OTB's MATLAB toolkit.

    Three places surprise:

    - The first frame counts, as the ground truth itself.
    - An invalid prediction stands for the one before it, and in the second frame for the tracker's
      own first answer, not for the ground truth. Invalid is a row without an area, or of NaN
      alone: one with a single NaN is kept. Its error fails; its overlap does, too, unless it is x
      or y that is missing, for MATLAB's maximum passes over it.
    - A frame without a valid ground truth fails in overlap, but succeeds in centre error: both
      become -1, and -1 px is below every threshold.

    Args:
        predicted: px of the frame, as the benchmark publishes them (OTB counts from 1).
        ground_truth: in the same coordinates.
        visible: OTB's rule: all four published numbers are positive.

    Source: tracker_benchmark v1.1 (MATLAB), calcSeqErrRobust.m, calcRectInt.m and genPerfMat.m;
        equal to the curves that it wrote for ten trackers on OTB-100
        (tests/benchmarks/test_otb_oracle.py).
    """
    mended = metrics.hold_last(predicted, _invalid(predicted, ground_truth))
    counted = np.concatenate([ground_truth[:1], mended[1:]])
    overlaps = np.where(visible, metrics.overlap(counted, ground_truth), -1.0)
    errors = np.where(visible, metrics.centre_error(counted, ground_truth), -1.0)
    return {
        "success": metrics.success_curve(overlaps, OTB_OVERLAPS),
        "precision": metrics.precision_curve(errors, OTB_ERRORS),
    }


def _invalid(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Bool[np.ndarray, "t"]:
    """Rows that the toolkit mends; none where the annotation holds a NaN."""
    unknown = np.isnan(predicted).all(axis=1) | (predicted[:, 2:] <= 0).any(axis=1)
    return unknown & ~np.isnan(ground_truth).any(axis=1)


# The area is the mean of the 21 values: no overlap exceeds 1, so a perfect tracker has 20/21.
_MEASURES = {"success_auc": mean("success"), "precision_at_20": at("precision", 20)}
_THRESHOLDS = {"success": OTB_OVERLAPS, "precision": OTB_ERRORS}

OTB = Protocol("otb", _THRESHOLDS, otb_curves, _MEASURES)

# A frame where the target is absent has NaN in UAV123's annotation, which is not positive: by
# OTB's rule it fails in overlap and succeeds in centre error. PyTracking scores it likewise.
UAV123 = Protocol("uav123", _THRESHOLDS, otb_curves, _MEASURES)
