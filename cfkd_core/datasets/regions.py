"""Regions, VOT's annotation, one a row: quadrangles x1, y1, …, x4, y4, or rectangles x, y, w, h.

Among eight columns a rectangle has four numbers and NaN behind them. It stays one: VOT's toolkits
do not agree on the pixels where a rectangle ends, so corners made of it would decide for one.
"""

import numpy as np
from jaxtyping import Bool, Float

Regions = Float[np.ndarray, "*n 8"]
Flags = Bool[np.ndarray, "*n"]


def from_boxes(boxes: Float[np.ndarray, "*n 4"]) -> Regions:
    """The corners of boxes, clockwise from the top left one."""
    x, y, w, h = np.moveaxis(boxes, -1, 0)
    return np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=-1)


def pad(rectangles: Float[np.ndarray, "*n 4"]) -> Regions:
    """Rectangles as regions of eight columns."""
    return np.concatenate([rectangles, np.full_like(rectangles, np.nan)], axis=-1)


def are_rectangles(regions: Float[np.ndarray, "*n _"]) -> Flags:
    """Whether each row, of 4 or 8 columns, holds x, y, w, h alone."""
    told, rest = np.isfinite(regions[..., :4]), np.isnan(regions[..., 4:])
    return np.asarray(told.all(axis=-1) & rest.all(axis=-1))


def are_known(regions: Float[np.ndarray, "*n _"]) -> Flags:
    """Whether each row, of 4 or 8 columns, holds a rectangle or a quadrangle."""
    return np.asarray(are_rectangles(regions) | np.isfinite(regions).all(axis=-1))


def to_corners(regions: Float[np.ndarray, "*n _"]) -> Regions:
    """Quadrangles as they are, rectangles as the corners from (x, y) to (x + w, y + h)."""
    corners = from_boxes(regions[..., :4])
    if regions.shape[-1] == 4:
        return corners
    return np.where(np.expand_dims(are_rectangles(regions), -1), corners, regions)


def moved(regions: Float[np.ndarray, "*n _"], shift: int) -> Float[np.ndarray, "*n _"]:
    """Regions of 4 or 8 columns, `shift` px to the right and down."""
    shifts = np.full_like(regions, float(shift))
    shifts[..., 2:4] = np.where(np.expand_dims(are_rectangles(regions), -1), 0.0, shift)
    return regions + shifts


def enclosing_boxes(regions: Regions) -> Float[np.ndarray, "*n 4"]:
    """The smallest box around each region; NaN where the region is absent.

    Source: CFKD's code (danielism97/CFKD), for one pass over VOT2018.
    """
    corners = _points(regions)
    low, high = corners.min(axis=-2), corners.max(axis=-2)
    return np.concatenate([low, high - low], axis=-1)


def starting_boxes(regions: Regions) -> Float[np.ndarray, "*n 4"]:
    """Boxes with the area of the regions and the shape of their extent: where a tracker begins.

    The centre is the mean of the corners. The sides are those of the enclosing box, both times
    the root of the region's area over that box's, and one px more. The area is the product of
    two neighbouring sides, as if they met at a right angle.

    Source: CFKD's code, which takes it to VOT's toolkit (The original, exactly, section 6.4).
    """
    corners = _points(regions)
    side, next_side = (
        np.linalg.norm(corners[..., i, :] - corners[..., i + 1, :], axis=-1) for i in (0, 1)
    )
    extent = enclosing_boxes(regions)[..., 2:]
    area = extent.prod(axis=-1)
    # a region without an area has no shape to keep
    scale = np.sqrt(np.divide(side * next_side, area, out=np.ones_like(area), where=area > 0))
    sizes = scale[..., None] * extent + 1
    return np.concatenate([corners.mean(axis=-2) - sizes / 2, sizes], axis=-1)


def _points(regions: Regions) -> Float[np.ndarray, "*n 4 2"]:
    return to_corners(regions).reshape(*regions.shape[:-1], 4, 2)
