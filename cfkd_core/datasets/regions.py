"""Quadrangles, VOT's annotation: four corners x1, y1, …, x4, y4 in px, one region a row."""

import numpy as np
from jaxtyping import Float

Regions = Float[np.ndarray, "*n 8"]


def from_boxes(boxes: Float[np.ndarray, "*n 4"]) -> Regions:
    """The corners of boxes, clockwise from the top left one."""
    x, y, w, h = np.moveaxis(boxes, -1, 0)
    return np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=-1)


def enclosing_boxes(regions: Regions) -> Float[np.ndarray, "*n 4"]:
    """The smallest box around each region; NaN where the region is absent.

    Source: CFKD's code, for one pass over VOT2018 (facts.md 6.1).
    """
    corners = _corners(regions)
    low, high = corners.min(axis=-2), corners.max(axis=-2)
    return np.concatenate([low, high - low], axis=-1)


def starting_boxes(regions: Regions) -> Float[np.ndarray, "*n 4"]:
    """Boxes with the area of the regions and the shape of their extent: where a tracker begins.

    The centre is the mean of the corners. The sides are those of the enclosing box, both times
    the root of the region's area over that box's, and one px more. The area is the product of
    two neighbouring sides, as if they met at a right angle.

    Source: CFKD's code, which takes it to VOT's toolkit (facts.md 6.4).
    """
    corners = _corners(regions)
    side, next_side = (
        np.linalg.norm(corners[..., i, :] - corners[..., i + 1, :], axis=-1) for i in (0, 1)
    )
    extent = enclosing_boxes(regions)[..., 2:]
    area = extent.prod(axis=-1)
    # a region without an area has no shape to keep
    scale = np.sqrt(np.divide(side * next_side, area, out=np.ones_like(area), where=area > 0))
    sizes = scale[..., None] * extent + 1
    return np.concatenate([corners.mean(axis=-2) - sizes / 2, sizes], axis=-1)


def _corners(regions: Regions) -> Float[np.ndarray, "*n 4 2"]:
    return regions.reshape(*regions.shape[:-1], 4, 2)
