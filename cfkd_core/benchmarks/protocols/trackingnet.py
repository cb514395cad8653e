"""TrackingNet, as its development kit and its server score."""

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, cut_or_padded, trapezoid

OVERLAPS = np.linspace(0, 1, 21)
ERRORS = np.linspace(0, 50, 21)
NORM_ERRORS = np.linspace(0, 0.5, 21)


def trackingnet_curves(
    predicted: Float[np.ndarray, "n 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Compute success, precision and normalised precision of one sequence by TrackingNet's kit.

    Three places surprise:

    - All boxes are rounded to whole pixels, halves to even, and the first frame is the ground
      truth itself.
    - An overlap that equals its threshold is a success, so that a perfect tracker has 1, and any
      box with an area, or a ground truth with one, succeeds at the threshold 0.
    - A sequence that was not submitted has boxes of zeros; a row that is missing at the end of one
      that was is no box at all, and fails at the threshold 0, too. More boxes than frames are cut
      off.

    Args:
        predicted: px of the frame, as the benchmark publishes them; of any number.
        ground_truth: in the same coordinates.
        visible: not used; every frame of the test set has a target.

    Source: SilvioGiancola/TrackingNet-devkit (79783f2), metrics.py, which its author calls the
        code of the server; equal on the kit's dummy submission
        (tests/benchmarks/protocols/test_trackingnet.py).
    """
    truth = np.rint(ground_truth)
    found = cut_or_padded(predicted, len(truth), np.nan if len(predicted) else 0.0)
    found = np.concatenate([truth[:1], np.rint(found[1:])])
    shifts = metrics.centres(truth) - metrics.centres(found)
    with np.errstate(divide="ignore", invalid="ignore"):
        # in the kit's order: a square of the quotient may differ in the last bit
        squares = shifts / truth[:, 2:] * shifts / truth[:, 2:]
    return {
        "success": metrics.success_curve(_overlaps(found, truth), OVERLAPS, strict=False),
        "precision": metrics.precision_curve(metrics.length(shifts), ERRORS),
        "norm_precision": metrics.precision_curve(np.sqrt(squares.sum(axis=1)), NORM_ERRORS),
    }


def _overlaps(
    found: Float[np.ndarray, "t 4"], truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Intersection over union of whole pixels; NaN where neither has an area.

    Where x or y alone is missing, the ground truth's stands for it: pandas, with which the kit
    computes, passes over NaN in a maximum.
    """
    low = np.fmax(found[:, :2], truth[:, :2])
    high = np.fmin(found[:, :2] + found[:, 2:], truth[:, :2] + truth[:, 2:])
    intersection = (high - low).clip(min=0).prod(axis=1)
    union = found[:, 2:].prod(axis=1) + truth[:, 2:].prod(axis=1) - intersection
    with np.errstate(divide="ignore", invalid="ignore"):
        return intersection / union


TRACKINGNET = Protocol(
    name="trackingnet",
    thresholds={"success": OVERLAPS, "precision": ERRORS, "norm_precision": NORM_ERRORS},
    curves=trackingnet_curves,
    longer=True,
    shorter=True,
    measures={
        "success_auc": trapezoid("success"),
        "precision_auc": trapezoid("precision"),
        "norm_precision_auc": trapezoid("norm_precision"),
    },
)
