"""From boxes to curves: arrays in, arrays out, no file and no benchmark's name.

Boxes are (x, y, w, h), prediction and ground truth in the same coordinates. Protocols pass them as
the benchmark publishes them: where a value ties with its threshold, the last bit decides, and it
depends on where pixels are counted from. A frame without a valid ground truth is the protocol's
business: it overwrites the values computed here.
"""

import numpy as np
from jaxtyping import Bool, Float


def is_box(boxes: Float[np.ndarray, "t 4"]) -> Bool[np.ndarray, "t"]:
    """Whether each row is four finite numbers with a positive width and height."""
    return np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)


def hold_last(
    boxes: Float[np.ndarray, "t 4"], invalid: Bool[np.ndarray, "t"] | None = None
) -> Float[np.ndarray, "t 4"]:
    """`boxes` with each invalid row replaced by the last valid one before it.

    The first row stays as it is, and counts as valid.

    Args:
        invalid: which rows are to be replaced; those that are no box (`is_box`) if not given.
    """
    replaced = ~is_box(boxes) if invalid is None else invalid
    rows = np.arange(len(boxes))
    return boxes[np.maximum.accumulate(np.where(replaced, 0, rows))]


def overlap(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Intersection over union of pixels from x to x + w - 1 and y to y + h - 1.

    Equal to `boxes.iou` but for rounding: a box may overlap itself by a little more than 1. NaN
    where the union has no area. Where x or y alone is NaN, the other box's stands for it, for
    MATLAB's maximum passes over NaN.

    Source: calcRectInt.m of OTB's MATLAB toolkit (tracker_benchmark v1.1), in its order of
        operations; LaSOT's and PyTracking's toolkits follow it.
    """
    low = np.fmax(predicted[:, :2], ground_truth[:, :2])
    ends = [each[:, :2] + each[:, 2:] - 1 for each in (predicted, ground_truth)]
    sides = np.fmax(np.fmin(*ends) - low + 1, 0)
    intersection = sides[:, 0] * sides[:, 1]
    areas = [each[:, 2] * each[:, 3] for each in (predicted, ground_truth)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return intersection / (areas[0] + areas[1] - intersection)


def centres(boxes: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t 2"]:
    """The middle x + (w - 1) / 2, y + (h - 1) / 2 of the pixels of each box."""
    return boxes[:, :2] + (boxes[:, 2:] - 1) / 2


def centre_error(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Euclidean distance of the centres in px.

    Source: calcSeqErrRobust.m of OTB's MATLAB toolkit (tracker_benchmark v1.1): each centre first,
        then their difference. Any other order differs in the last bit, and with it at 0 px.
    """
    return length(centres(predicted) - centres(ground_truth))


def norm_error(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Euclidean distance of the centres, in widths and heights of the ground truth.

    Where the ground truth has no area there is no such unit, and the value means nothing.

    Source: Müller et al., TrackingNet, ECCV 2018, for the measure; calc_seq_err_robust.m of
        HengLan/LaSOT_Evaluation_Toolkit (95bf38a): each centre is divided, then subtracted.
    """
    sides = np.where(ground_truth[:, 2:] == 0, 1.0, ground_truth[:, 2:])
    return length(centres(predicted) / sides - centres(ground_truth) / sides)


def length(shifts: Float[np.ndarray, "t 2"]) -> Float[np.ndarray, "t"]:
    """Euclidean length of each row."""
    return np.sqrt(shifts[:, 0] ** 2 + shifts[:, 1] ** 2)


def success_curve(
    overlaps: Float[np.ndarray, "t"], thresholds: Float[np.ndarray, "k"], *, strict: bool = True
) -> Float[np.ndarray, "k"]:
    """Share of frames whose overlap is above each threshold; equal is enough if not `strict`."""
    compare = np.greater if strict else np.greater_equal
    return compare(overlaps[:, None], thresholds).mean(axis=0)


def precision_curve(
    errors: Float[np.ndarray, "t"], thresholds: Float[np.ndarray, "k"]
) -> Float[np.ndarray, "k"]:
    """Share of frames whose error is at most each threshold."""
    return (errors[:, None] <= thresholds).mean(axis=0)


def colon_grid(step: float, count: int) -> Float[np.ndarray, "{count}"]:
    """`count` thresholds from 0 to 1 as MATLAB's `0:step:1` makes them, to the last bit.

    The colon operator counts up from the left end in the first half and down from the right end
    in the second. `np.linspace` differs in the last bit there, and an overlap of exactly 0.6 or
    0.85, common between integer boxes, then falls on the other side of its threshold.

    Source: protocols of OTB's MATLAB toolkit, whose curves this reproduces exactly.
    """
    index = np.arange(count)
    return np.where(index <= (count - 1) // 2, step * index, 1 - step * (count - 1 - index))
