"""TrackingNet, as its development kit and its server score."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, cut_or_padded, trapezoid

OVERLAPS = np.linspace(0, 1, 21)
ERRORS = np.linspace(0, 50, 21)
NORM_ERRORS = np.linspace(0, 0.5, 21)


def trackingnet_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Success, precision and normalised precision of one sequence by TrackingNet's kit.

    All boxes are rounded to whole pixels, and the first frame is the ground truth itself. An
    overlap that equals its threshold is a success, so that a perfect tracker has 1.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: not used; every frame of the test set has a target.

    Source: SilvioGiancola/TrackingNet-devkit, metrics.py, which its author calls the code of the
        server; equal on the kit's dummy submission (tests/benchmarks/test_trackingnet.py).
    """
    truth = np.rint(ground_truth)
    rounded = np.concatenate([truth[:1], np.rint(predicted[1:])])
    return {
        "success": metrics.success_curve(boxes.iou(rounded, truth), OVERLAPS, strict=False),
        "precision": metrics.precision_curve(metrics.centre_error(rounded, truth), ERRORS),
        "norm_precision": metrics.precision_curve(metrics.norm_error(rounded, truth), NORM_ERRORS),
    }


def trackingnet_fit(
    predicted: Float[np.ndarray, "n 4"], frames: int
) -> Float[np.ndarray, "{frames} 4"]:
    """What the kit makes of a sequence that was not submitted, or not to its end.

    Without a file all boxes are zero, and an overlap of 0 succeeds at the threshold 0. A missing
    row is no box at all, and fails there too.
    """
    return cut_or_padded(predicted, frames, np.nan if len(predicted) else 0.0)


TRACKINGNET = Protocol(
    name="trackingnet",
    thresholds={"success": OVERLAPS, "precision": ERRORS, "norm_precision": NORM_ERRORS},
    curves=trackingnet_curves,
    fit=trackingnet_fit,
    measures={
        "success_auc": trapezoid("success"),
        "precision_auc": trapezoid("precision"),
        "norm_precision_auc": trapezoid("norm_precision"),
    },
)
