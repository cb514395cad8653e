"""GOT-10k's own benchmark, and what its toolkit makes of the others."""

import numpy as np
from jaxtyping import Bool, Float, Int

from cfkd_core import boxes
from cfkd_core.benchmarks import metrics
from cfkd_core.benchmarks.protocols.lasot import NORM_ERRORS
from cfkd_core.benchmarks.protocols.otb import OTB_ERRORS
from cfkd_core.benchmarks.protocols.protocol import Curves, Protocol, at, mean

OVERLAPS = np.linspace(0, 1, 101)
TOOLKIT_OVERLAPS = np.linspace(0, 1, 21)


def got10k_curves(
    predicted: Float[np.ndarray, "t 4"],
    ground_truth: Float[np.ndarray, "t 4"],
    visible: Bool[np.ndarray, "t"],
    size: tuple[int, int] | None = None,
) -> Curves:
    """Mean overlap, and success, of one sequence of GOT-10k.

    The first frame does not count, nor do frames in which nothing of the target is seen.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: whether the annotated cover is above 0.
        size: width and height of the image, to which all boxes are cut; None leaves them whole,
            which is the same where no box leaves the image.

    Source: got-10k/toolkit, experiments/got10k.py (`_evaluate`) and utils/metrics.py.
    """
    counted = visible.copy()
    counted[0] = False
    if not counted.any():  # this sequence has no weight
        return {"overlap": np.zeros(1), "success": np.zeros(len(OVERLAPS))}
    found, truth = predicted[counted], ground_truth[counted]
    if size is not None:
        found, truth = (_cut(each, np.array(size)) for each in (found, truth))
    overlaps = np.nan_to_num(boxes.iou(found, truth)).clip(0, 1)  # rounding may leave 1 behind
    return {
        "overlap": overlaps.mean(keepdims=True),
        "success": metrics.success_curve(overlaps, OVERLAPS),
    }


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
    """What GOT-10k's toolkit reports on OTB, LaSOT and UAV123.

    The first frame counts, as the ground truth itself. A frame whose annotation is NaN is left
    out of numerator and denominator; no other frame is treated apart, and no prediction mended.

    Args:
        predicted: px of the frame, in the same coordinates as `ground_truth`.
        visible: not used: the toolkit ignores LaSOT's flags.

    Source: got10k 0.1.3, experiments/{otb,lasot,uav123}.py; protocols.md 1.4.
    """
    known = ~np.isnan(ground_truth).any(axis=1)
    repaired = np.concatenate([ground_truth[:1], predicted[1:]])[known]
    truth = ground_truth[known]
    return {
        "success": metrics.success_curve(boxes.iou(repaired, truth), TOOLKIT_OVERLAPS),
        "precision": metrics.precision_curve(metrics.centre_error(repaired, truth), OTB_ERRORS),
        "norm_precision": metrics.precision_curve(metrics.norm_error(repaired, truth), NORM_ERRORS),
    }


GOT10K_TOOLKIT = Protocol(
    name="got10k-toolkit",
    thresholds={
        "success": TOOLKIT_OVERLAPS, "precision": OTB_ERRORS, "norm_precision": NORM_ERRORS
    },
    curves=got10k_toolkit_curves,
    measures={
        "success_auc": mean("success"),
        "precision_at_20": at("precision", 20),
        "norm_precision_auc": mean("norm_precision"),
    },
)  # fmt: skip
