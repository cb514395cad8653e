"""What PyTracking's analysis makes of a benchmark; presumably the thesis's LaSOT numbers."""

from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.lasot import NORM_ERRORS
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, cut_or_padded, mean

# Not OTB's grid: ties between overlap and threshold may fall otherwise in the last bit.
OVERLAPS = np.arange(0, 1.05, 0.05)


def pytracking_curves(
    predicted: Float[np.ndarray, "n 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    *,
    error: float = np.inf,
    absent_norm_error: float = -1.0,
) -> Curves:
    """Compute success, precision and normalised precision of one sequence by PyTracking.

    Three places surprise:

    - A prediction without an area stands for the one before it, in the second frame for the
      tracker's own first answer; only then do too many boxes go and zeros stand for missing ones,
      so that a run that stopped fails from there on. The first frame is the ground truth itself.
    - All frames stay in the denominator. One without a target, or with an annotated number that
      is not positive (x and y included), fails in overlap; what its errors count as depends on
      the benchmark, and the normalised one succeeds but for LaSOT's absent frames.
    - An overlap may exceed 1 by rounding, and then succeeds at the threshold 1.

    Args:
        predicted: px of the frame, as the benchmark publishes them; of any number.
        ground_truth: in the same coordinates.
        visible: False where the benchmark says that no target is seen.
        error: centre error in px of such frames, and of those with an invalid annotation;
            -1 succeeds at every threshold, infinity fails.
        absent_norm_error: normalised error where no target is seen.

    Source: visionml/pytracking (7eb9e74), analysis/extract_results.py, calc_seq_err_robust.
    Differs: there, a prediction that is NaN or has a negative side stops the evaluation; here the
        box before it counts. There, curves are kept in float32.
    """
    counted = _counted(predicted, ground_truth)
    valid = visible & (ground_truth > 0).all(axis=1)
    overlaps = np.where(valid, metrics.overlap(counted, ground_truth), -1.0)
    errors = np.where(valid, metrics.centre_error(counted, ground_truth), error)
    relative = np.where(valid, metrics.norm_error(counted, ground_truth), -1.0)
    relative[~visible] = absent_norm_error
    return {
        "success": metrics.success_curve(overlaps, OVERLAPS),
        "precision": metrics.precision_curve(errors, OTB_ERRORS),
        "norm_precision": metrics.precision_curve(relative, NORM_ERRORS),
    }


def _counted(
    predicted: Float[np.ndarray, "n 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t 4"]:
    """A box a frame: mended, then cut or padded with zeros, the first one the ground truth."""
    frames = len(ground_truth)
    # boxes beyond the last frame have no annotation to ask, and are cut off below
    annotated = ~np.isnan(ground_truth).any(axis=1)[: len(predicted)]
    annotated = np.concatenate([annotated, np.ones(max(0, len(predicted) - frames), bool)])
    invalid = np.isnan(predicted).any(axis=1) | (predicted[:, 2:] <= 0).any(axis=1)
    mended = cut_or_padded(metrics.hold_last(predicted, invalid & annotated), frames)
    return np.concatenate([ground_truth[:1], mended[1:]])


PYTRACKING = Protocol(
    name="pytracking",
    thresholds={"success": OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS},
    curves=pytracking_curves,
    measures={
        "success_auc": mean("success"),
        "precision_at_20": at("precision", 20),
        "norm_precision_at_20": at("norm_precision", 20),
    },
    longer=True,
    shorter=True,
)
PYTRACKING_LASOT = replace(
    PYTRACKING,
    name="pytracking-lasot",
    curves=partial(pytracking_curves, absent_norm_error=np.inf),
    shorter=False,
)
PYTRACKING_UAV123 = replace(
    PYTRACKING, name="pytracking-uav123", curves=partial(pytracking_curves, error=-1.0)
)
