"""From boxes to curves: arrays in, arrays out, no file and no benchmark's name.

Boxes are (x, y, w, h), prediction and ground truth in the same coordinates. A frame without a
valid ground truth is the protocol's business: it overwrites the values computed here.
"""

import numpy as np
from jaxtyping import Bool, Float


def is_box(boxes: Float[np.ndarray, "t 4"]) -> Bool[np.ndarray, "t"]:
    """Whether each row is four finite numbers with a positive width and height."""
    return np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)


def hold_last(boxes: Float[np.ndarray, "t 4"]) -> Float[np.ndarray, "t 4"]:
    """`boxes` with each invalid row replaced by the last valid one before it.

    The first row is the caller's to make valid: it stays as it is.
    """
    rows = np.arange(len(boxes))
    return boxes[np.maximum.accumulate(np.where(is_box(boxes), rows, 0))]


def centre_error(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Euclidean distance of the centres in px.

    The centre of an inclusive-pixel toolkit is x + (w - 1) / 2; the half pixel cancels.
    """
    corners = predicted[:, :2] - ground_truth[:, :2]
    halves = (predicted[:, 2:] - ground_truth[:, 2:]) / 2
    return np.linalg.norm(corners + halves, axis=1)


def norm_error(
    predicted: Float[np.ndarray, "t 4"], ground_truth: Float[np.ndarray, "t 4"]
) -> Float[np.ndarray, "t"]:
    """Euclidean distance of the centres, in widths and heights of the ground truth.

    Where the ground truth has no area there is no such unit, and the value means nothing.

    Source: Müller et al., TrackingNet, ECCV 2018; protocols.md 1.2.
    """
    sides = np.where(ground_truth[:, 2:] == 0, 1.0, ground_truth[:, 2:])
    corners = predicted[:, :2] - ground_truth[:, :2]
    halves = (predicted[:, 2:] - ground_truth[:, 2:]) / 2
    return np.linalg.norm((corners + halves) / sides, axis=1)


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
