"""LaSOT, whose targets leave the picture and come back."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS, OTB_OVERLAPS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

NORM_ERRORS = np.arange(51.0) / 100


def lasot_curves(
    predicted: Float[np.ndarray, "n 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Compute success, precision and normalised precision of one sequence by LaSOT's toolkit.

    Three places surprise:

    - A frame where the target is absent counts in the denominator only: whatever the tracker
      answers there, it fails.
    - A visible frame whose annotation has a number that is not positive, x and y included, fails
      in overlap and succeeds in both errors. The test set has three.
    - A row that is invalid (without an area, or with a NaN) stands for the one before it, in the
      second frame for the tracker's own first answer. More boxes than frames are cut off, as
      monkey-17 needs it.

    Args:
        predicted: px of the frame, as the benchmark publishes them (LaSOT counts from 1); at
            least as many as frames.
        ground_truth: in the same coordinates.
        visible: False where LaSOT flags the target as absent.

    Source: HengLan/LaSOT_Evaluation_Toolkit (95bf38a, MATLAB), utils/calc_seq_err_robust.m,
        calc_rect_int.m and eval_tracker.m.
    """
    cut = predicted[: len(ground_truth)]
    invalid = np.isnan(cut).any(axis=1) | (cut[:, 2:] <= 0).any(axis=1)
    mended = metrics.hold_last(cut, invalid & ~np.isnan(ground_truth).any(axis=1))
    counted = np.concatenate([ground_truth[:1], mended[1:]])
    valid = (ground_truth > 0).all(axis=1)

    def marked(values: Float[np.ndarray, "t"], absent: float) -> Float[np.ndarray, "t"]:
        return np.where(visible, np.where(valid, values, -1.0), absent)

    overlaps = marked(metrics.overlap(counted, ground_truth), -1.0)
    errors = marked(metrics.centre_error(counted, ground_truth), np.inf)
    relative = marked(metrics.norm_error(counted, ground_truth), np.inf)
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
    longer=True,
)
