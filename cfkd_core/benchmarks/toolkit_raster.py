"""Overlap of regions as vot-toolkit 0.9 computes it: a rule of its own, kinder to small targets.

It differs from the challenges' own (`raster`) in where a rectangle ends, in how halves are rounded,
and in what is made of rows that a polygon only touches.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from cfkd_core.benchmarks.raster import common_pixels, in_parts, span_lengths


def overlaps(
    first: Float[np.ndarray, "t _"], second: Float[np.ndarray, "t _"], size: tuple[int, int]
) -> Float[np.ndarray, "t"]:
    """Share of pixels that two regions have in common, of those that either has.

    A rectangle x, y, w, h goes from x to x + w - 1 and from y to y + h - 1. All corners go to whole
    pixels, halves to the even neighbour, and each row is filled from crossing to crossing, both
    inclusive.

    Args:
        first: 4 numbers x, y, w, h, or 8 numbers x1, y1, …, y4; px of the image.
        second: likewise.
        size: width and height of the image in px; what lies outside does not count.

    Returns:
        One number a row; NaN where either row has a NaN, 0 where what both cover is less than two
        pixels wide or high.

    Source: vot-toolkit 0.9, vot/region/raster.py, read for its rule; scores of eight trackers agree
        with the toolkit's to 3e-4 (tests/benchmarks/test_vot_oracle.py).
    """
    last_pixel = np.array(size) - 1
    return in_parts(
        first,
        second,
        lambda *pair: _overlaps(np.stack([_corners(each) for each in pair]), last_pixel),
    )


def _corners(regions: Float[np.ndarray, "n _"]) -> Float[np.ndarray, "n 4 2"]:
    """Corners on whole pixels, of rectangles or of quadrilaterals."""
    if regions.shape[1] == 4:
        x, y, w, h = regions.T
        right, bottom = x + w - 1, y + h - 1
        regions = np.stack([x, y, right, y, right, bottom, x, bottom], axis=1)
    return np.round(regions.astype(np.float32)).astype(float).reshape(-1, 4, 2)


def _overlaps(
    corners: Float[np.ndarray, "2 n 4 2"], last_pixel: Int[np.ndarray, "2"]
) -> Float[np.ndarray, "n"]:
    low = corners.min(axis=(0, 2)).clip(min=0)
    high = np.minimum(corners.max(axis=(0, 2)), last_pixel)
    extent = np.maximum(high - low + 1, 0).astype(int)
    enough = (extent > 1).all(axis=1)
    moved = corners - low[:, None]
    pair = np.repeat(np.arange(len(extent)), extent[:, 1])
    row = np.arange(len(pair)) - (np.cumsum(extent[:, 1]) - extent[:, 1])[pair]
    spans = [_spans(_crossings(each[pair], row), extent[pair, 0]) for each in moved]
    covered = [np.bincount(pair, span_lengths(each).sum(axis=1), len(extent)) for each in spans]
    common = np.bincount(pair, common_pixels(*spans), len(extent))
    union = covered[0] + covered[1] - common
    return np.where(enough & (union > 0), common / np.maximum(union, 1), 0.0)


def _crossings(
    corners: Float[np.ndarray, "r 4 2"], row: Int[np.ndarray, "r"]
) -> Float[np.ndarray, "r 4"]:
    """Where the four edges meet a row, truncated and sorted; infinite where they do not.

    An edge that lies in the row meets it in its first corner.
    """
    start, end = corners, np.roll(corners, 1, axis=1)
    rise = end[..., 1] - start[..., 1]
    low, high = np.minimum(start[..., 1], end[..., 1]), np.maximum(start[..., 1], end[..., 1])
    meets = (low <= row[:, None]) & (row[:, None] <= high)
    share = (row[:, None] - start[..., 1]) / np.where(rise == 0, 1, rise)
    x = np.where(rise == 0, start[..., 0], start[..., 0] + share * (end[..., 0] - start[..., 0]))
    return np.sort(np.where(meets, np.trunc(x), np.inf), axis=1)


def _spans(
    nodes: Float[np.ndarray, "r 4"], width: Int[np.ndarray, "r"]
) -> Float[np.ndarray, "r 2 2"]:
    """First and last pixel of up to two spans in a row of `width` pixels; (0, -1) for none.

    Nodes are taken in pairs. The first of two equal ones is passed over, unless they are the last.
    """
    count = np.isfinite(nodes).sum(axis=1)
    spans = np.tile([0.0, -1.0], (len(nodes), 2, 1))
    at, filled, rows = np.zeros_like(count), np.zeros_like(count), np.arange(len(nodes))
    for _ in range(3):
        left, right = nodes[rows, at.clip(max=3)], nodes[rows, (at + 1).clip(max=3)]
        more = at < count - 1
        passed: Bool[np.ndarray, r] = more & (left == right) & (at < count - 2)
        fill = more & ~passed
        spans[rows[fill], filled[fill]] = np.stack([left, right], axis=1)[fill]
        filled += fill
        at += np.where(passed, 1, 2)
    spans[..., 0] = spans[..., 0].clip(min=0)
    spans[..., 1] = np.minimum(spans[..., 1], width[:, None] - 1)
    return spans
