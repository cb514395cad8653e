"""Overlap of regions as vot-toolkit 0.9 computes it: a rule of its own, kinder to small targets.

It differs from the challenges' own (`raster`) in where a rectangle ends, in how halves are rounded,
and in what is made of rows that a polygon only touches.
"""

import numpy as np
from jaxtyping import Float, Int

from cfkd_core.benchmarks.raster import in_parts, shares
from cfkd_core.datasets.regions import are_rectangles, to_corners


def overlaps(
    first: Float[np.ndarray, "t _"], second: Float[np.ndarray, "t _"], size: tuple[int, int]
) -> Float[np.ndarray, "t"]:
    """Compute the share of pixels that two regions have in common, of those that either has.

    Three places surprise:

    - Of a rectangle x, y, w and h are rounded, halves to even, and then it goes from x to
      x + w - 1 and from y to y + h - 1. Rounding the right edge itself gives other pixels.
    - Of a quadrilateral the corners are rounded, and each row is filled from crossing to crossing,
      both inclusive; a row that is only touched counts.
    - Two regions that lie in one column or one row of pixels have an overlap of 1, as two empty
      ones would; where only the part inside the image does, 0.

    Args:
        first: rectangles or regions, of 4 or 8 columns (`datasets.regions`); px of the image.
        second: likewise.
        size: width and height of the image in px; what lies outside does not count.

    Returns:
        One number a row; NaN where either row has no region.

    Source: votchallenge/toolkit 0.9.0 (PyPI, vot-toolkit), vot/region/raster.py,
        calculate_overlap; equal on all frames of shared/oracles/vot.
    """
    last_pixel = np.array(size) - 1
    return in_parts(first, second, lambda one, other: _overlaps(one, other, last_pixel))


def _edges(
    regions: Float[np.ndarray, "n _"],
) -> tuple[Float[np.ndarray, "n 4 2"], Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Corners on whole pixels, the smallest and the largest; NaN those of an empty rectangle."""
    rounded = np.round(regions.astype(np.float32)).astype(float)
    rectangle = are_rectangles(rounded)
    rounded[rectangle, 2:4] -= 1
    corners = to_corners(rounded)
    points = corners.reshape(-1, 4, 2)
    # of a rectangle the first and the last pixel, even where the last one comes first
    low = np.where(rectangle[:, None], points[:, 0], points.min(axis=1))
    high = np.where(rectangle[:, None], points[:, 2], points.max(axis=1))
    corners[(low > high).any(axis=1)] = np.nan
    return corners.reshape(-1, 4, 2), low, high


def _overlaps(
    first: Float[np.ndarray, "n _"],
    second: Float[np.ndarray, "n _"],
    last_pixel: Int[np.ndarray, "2"],
) -> Float[np.ndarray, "n"]:
    corners, lows, highs = map(np.stack, zip(_edges(first), _edges(second), strict=True))
    low, high = lows.min(axis=0), highs.max(axis=0)
    found = np.where((low >= high).any(axis=1), 1.0, 0.0)
    low, high = low.clip(min=0), np.minimum(high, last_pixel)
    inside = (found == 0) & (low < high).all(axis=1)
    moved = corners[:, inside] - low[inside][:, None]
    extent = (high - low)[inside].astype(int) + 1
    found[inside] = shares(moved[0], moved[1], extent, _crossings, keep_last=True)
    return found


def _crossings(
    corners: Float[np.ndarray, "r 4 2"], row: Int[np.ndarray, "r"]
) -> Float[np.ndarray, "r 4"]:
    """Where the four edges meet a row, truncated; infinite where they do not.

    An edge that lies in the row meets it in its first corner.
    """
    start, end = corners, np.roll(corners, 1, axis=1)
    rise = end[..., 1] - start[..., 1]
    low, high = np.minimum(start[..., 1], end[..., 1]), np.maximum(start[..., 1], end[..., 1])
    meets = (low <= row[:, None]) & (row[:, None] <= high)
    share = (row[:, None] - start[..., 1]) / np.where(rise == 0, 1, rise)
    x = np.where(rise == 0, start[..., 0], start[..., 0] + share * (end[..., 0] - start[..., 0]))
    return np.where(meets, np.trunc(x), np.inf)
