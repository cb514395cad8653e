"""GOT-10k's own benchmark, and what its toolkit makes of the others."""

import numpy as np
from jaxtyping import Bool, Float, Int

from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

OVERLAPS = np.linspace(0, 1, 101)
TOOLKIT_OVERLAPS = np.linspace(0, 1, 21)
# Not LaSOT's grid: some thresholds differ in the last bit.
TOOLKIT_NORM_ERRORS = np.linspace(0, 0.5, 51)


def got10k_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    size: tuple[int, int] | None = None,
) -> Curves:
    """Compute mean overlap and success of one sequence of GOT-10k.

    Three places surprise:

    - The first frame does not count, nor do frames in which nothing of the target is seen.
    - Frames weigh alike, not sequences: a long sequence counts for more.
    - All boxes, the annotation too, are cut to the image: one that begins outside moves in at its
      own size, and is then shortened to end inside.

    Args:
        predicted: px of the frame, as the benchmark publishes them.
        ground_truth: in the same coordinates.
        visible: whether the annotated cover is above 0.
        size: width and height of the image, to which all boxes are cut; None leaves them whole,
            which is the same where no box leaves the image.

    Source: got10k 0.1.3 (PyPI; got-10k/toolkit), experiments/got10k.py (`_evaluate`) and
        utils/metrics.py (`rect_iou`); equal to it, run side by side (tests/conformance).
    Differs: a box of NaN has an overlap of 0; there, it makes the tracker's score NaN.
    """
    counted = visible.copy()
    counted[0] = False
    if not counted.any():  # this sequence has no weight
        return {"overlap": np.zeros(1), "success": np.zeros(len(OVERLAPS))}
    found, truth = predicted[counted], ground_truth[counted]
    if size is not None:
        found, truth = (_cut(each, np.array(size)) for each in (found, truth))
    overlaps = np.nan_to_num(_overlaps(found, truth))
    return {
        "overlap": overlaps.mean(keepdims=True),
        "success": metrics.success_curve(overlaps, OVERLAPS),
    }


def _overlaps(
    found: Float[np.ndarray, "t 4"], truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Intersection over union, 0 to 1; just below 1 for a box of less than a pixel and itself."""
    low = np.maximum(found[:, :2], truth[:, :2])
    high = np.minimum(found[:, :2] + found[:, 2:], truth[:, :2] + truth[:, 2:])
    intersection = np.maximum(high - low, 0).prod(axis=1)
    union = found[:, 2:].prod(axis=1) + truth[:, 2:].prod(axis=1) - intersection
    return (intersection / (union + np.finfo(float).eps)).clip(0, 1)


def _cut(regions: Float[np.ndarray, "t 4"], size: Int[np.ndarray, "2"]) -> Float[np.ndarray, "t 4"]:
    """Boxes moved and shortened as GOT-10k's toolkit does.

    A box that begins outside moves in at its own size, and is then shortened to end inside.
    """
    corners = np.clip(regions[:, :2], 0, size)
    return np.concatenate([corners, np.clip(regions[:, 2:], 0, size - corners)], axis=1)


def _counted_frames(visible: Bool[np.ndarray, "t"]) -> float:
    return float(visible[1:].sum())


# Frames weigh alike here, not sequences: a long video counts for more.
GOT10K = Protocol(
    name="got10k",
    thresholds={"overlap": np.zeros(1), "success": OVERLAPS},
    curves=got10k_curves,
    measures={
        "average_overlap": at("overlap", 0),
        "success_at_50": at("success", 50),
        "success_at_75": at("success", 75),
    },
    weight=_counted_frames,
    cuts=True,
)


def got10k_toolkit_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
) -> Curves:
    """Compute what GOT-10k's toolkit reports on OTB, LaSOT and UAV123.

    Three places surprise:

    - The first frame counts, as the ground truth itself; no other prediction is mended, and one
      that is NaN fails.
    - A frame whose annotation is NaN is left out of numerator and denominator. No other frame is
      treated apart: an annotation without an area fails in overlap alone.
    - Normalised precision is the mean of the curve, not its value at 0.2, and the shift of the
      centres is divided by no side shorter than 1 px.

    Args:
        predicted: px of the frame, as the benchmark publishes them.
        ground_truth: in the same coordinates.
        visible: not used: the toolkit ignores LaSOT's flags.

    Source: got10k 0.1.3 (PyPI; got-10k/toolkit), experiments/{otb,uav123}.py and utils/metrics.py,
        equal to them, run side by side (tests/conformance); normalised precision, which came
        later: experiments/lasot.py at 956e728.
    Differs: experiments/otb.py leaves no frame out; in OTB, no annotation is NaN.
    """
    known = ~np.isnan(ground_truth).any(axis=1)
    found = np.concatenate([ground_truth[:1], predicted[1:]])[known]
    truth = ground_truth[known]
    shifts = metrics.centres(found) - metrics.centres(truth)
    relative = metrics.length(shifts / np.maximum(truth[:, 2:], 1.0))
    return {
        "success": metrics.success_curve(_overlaps(found, truth), TOOLKIT_OVERLAPS),
        "precision": metrics.precision_curve(metrics.length(shifts), OTB_ERRORS),
        "norm_precision": metrics.precision_curve(relative, TOOLKIT_NORM_ERRORS),
    }


GOT10K_TOOLKIT = Protocol(
    name="got10k-toolkit",
    thresholds={
        "success": TOOLKIT_OVERLAPS, "precision": OTB_ERRORS, "norm_precision": TOOLKIT_NORM_ERRORS
    },
    curves=got10k_toolkit_curves,
    measures={
        "success_auc": mean("success"),
        "precision_at_20": at("precision", 20),
        "norm_precision_auc": mean("norm_precision"),
    },
)  # fmt: skip
