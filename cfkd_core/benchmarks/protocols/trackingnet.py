"""TrackingNet, as its development kit and its server score."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, trapezoid

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


TRACKINGNET = Protocol(
    name="trackingnet",
    thresholds={"success": OVERLAPS, "precision": ERRORS, "norm_precision": NORM_ERRORS},
    curves=trackingnet_curves,
    measures={
        "success_auc": trapezoid("success"),
        "precision_auc": trapezoid("precision"),
        "norm_precision_auc": trapezoid("norm_precision"),
    },
)
