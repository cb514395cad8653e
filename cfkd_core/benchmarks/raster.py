"""Overlap of regions as the VOT toolkit computes it: in whole pixels, inside the image.

A published VOT score is an average of such overlaps. The exact area of a polygon, or another way
of filling one, moves the third decimal of an EAO, and a single small target by 0.1.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

# Pairs whose rows of pixels are laid out together: few, so that a long video takes no more memory.
_AT_ONCE = 64

# Pixels of one row that a quadrilateral covers: up to two spans, from first to last pixel. An
# empty span ends before it starts, so that its length, last - first + 1, is none.
_EMPTY_SPAN = (0, -1)


def overlap(
    first: Float[np.ndarray, "_"], second: Float[np.ndarray, "_"], size: tuple[int, int]
) -> float:
    """Share of pixels that two regions have in common, of those that either has.

    Args:
        first: 4 numbers x, y, w, h, or 8 numbers x1, y1, …, y4; px of the image.
        second: likewise.
        size: width and height of the image in px; what lies outside does not count.
    """
    return float(overlaps(first[None], second[None], size)[0])


def overlaps(
    first: Float[np.ndarray, "t _"], second: Float[np.ndarray, "t _"], size: tuple[int, int]
) -> Float[np.ndarray, "t"]:
    """`overlap` of each pair of rows; NaN where either row has a NaN.

    Both polygons move to the corner of the smallest box around the two, in float32, and their
    corners go to whole pixels there, halves away from zero. A row of pixels is filled from
    crossing to crossing, both inclusive, the crossings truncated.

    Source: protocols.md 1.5, the rule of the rasteriser in the VOT toolkit; equal to float32 on
        all 40,468 frames of shared/oracles/vot (tests/benchmarks/test_raster.py).
    Differs: the toolkit's own Python port bounds by the image's size in one place and by the last
        pixel in another; here it is always the last pixel.
    """
    last_pixel = np.array(size) - 1
    return in_parts(
        first,
        second,
        lambda *pair: _overlaps(np.stack([_corners(each) for each in pair]), last_pixel),
    )


def in_parts(
    first: Float[np.ndarray, "t _"],
    second: Float[np.ndarray, "t _"],
    compute: Callable[..., Float[np.ndarray, "n"]],
) -> Float[np.ndarray, "t"]:
    """`compute` of a few rows at a time, where both are known; NaN elsewhere."""
    found = np.full(len(first), np.nan)
    known = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    for rows in np.array_split(np.flatnonzero(known), known.sum() // _AT_ONCE + 1):
        if len(rows):
            found[rows] = compute(first[rows], second[rows])
    return found


def _corners(regions: Float[np.ndarray, "n _"]) -> Float[np.ndarray, "n 4 2"]:
    """Corners in float32, the toolkit's precision, of rectangles or of quadrilaterals."""
    single = regions.astype(np.float32)
    if single.shape[1] == 4:
        x, y, w, h = single.T
        single = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1)
    return single.reshape(-1, 4, 2)


def _overlaps(
    corners: Float[np.ndarray, "2 n 4 2"], last_pixel: Int[np.ndarray, "2"]
) -> Float[np.ndarray, "n"]:
    low = np.clip(np.floor(corners.min(axis=2)), 0, last_pixel)
    high = np.clip(np.ceil(corners.max(axis=2)), 0, last_pixel)
    meet = (low.max(axis=0) <= high.min(axis=0)).all(axis=1)
    start = low.min(axis=0).astype(np.float32)
    extent = (high.max(axis=0) - start).astype(int) + 1
    moved = _round(corners - start[:, None]).astype(float)
    frame, row = _rows(extent[:, 1])
    spans = [_spans(moved[i][frame], row, extent[frame, 0]) for i in range(2)]
    covered = [np.bincount(frame, span_lengths(each).sum(axis=1), len(extent)) for each in spans]
    common = np.bincount(frame, common_pixels(*spans), len(extent))
    union = covered[0] + covered[1] - common
    return np.where(meet & (union > 0), common / np.maximum(union, 1), 0.0)


def _round(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Whole numbers; halves go away from zero, not to the even neighbour."""
    return np.trunc(values + np.copysign(np.float32(0.5), values))


def _rows(heights: Int[np.ndarray, "n"]) -> tuple[Int[np.ndarray, "r"], Int[np.ndarray, "r"]]:
    """Index of the pair and index of the row, for all rows of all pairs in turn."""
    pair = np.repeat(np.arange(len(heights)), heights)
    before = np.cumsum(heights) - heights
    return pair, np.arange(len(pair)) - before[pair]


def _spans(
    corners: Float[np.ndarray, "r 4 2"], row: Int[np.ndarray, "r"], width: Int[np.ndarray, "r"]
) -> Float[np.ndarray, "r 2 2"]:
    """First and last pixel of the two spans that a polygon covers in a row of `width` pixels."""
    nodes = np.sort(_crossings(corners, row), axis=1)
    # a corner on the row belongs to two edges, and counts once
    repeated = nodes[:, :-1] == nodes[:, 1:]
    nodes[:, :-1][repeated] = np.inf
    spans = np.sort(nodes, axis=1).reshape(-1, 2, 2)
    absent = np.isinf(spans[:, :, 1])
    spans[:, :, 0] = spans[:, :, 0].clip(min=0)
    spans[:, :, 1] = np.minimum(spans[:, :, 1], width[:, None] - 1)
    spans[absent] = _EMPTY_SPAN
    return spans


def _crossings(
    corners: Float[np.ndarray, "r 4 2"], row: Int[np.ndarray, "r"]
) -> Float[np.ndarray, "r 4"]:
    """Where the four edges cross a row, truncated to whole pixels; infinite where they do not.

    Each edge is followed from its corner back to the one before: the other way round the last bit
    differs, and with it a pixel of one frame in a hundred.
    """
    start, end = corners, np.roll(corners, 1, axis=1)
    rise = end[..., 1] - start[..., 1]
    low, high = np.minimum(start[..., 1], end[..., 1]), np.maximum(start[..., 1], end[..., 1])
    crosses = (low <= row[:, None]) & (row[:, None] <= high) & (rise != 0)
    share = (row[:, None] - start[..., 1]) / np.where(rise == 0, 1, rise)
    x = start[..., 0] + share * (end[..., 0] - start[..., 0])
    return np.where(crosses, np.trunc(x), np.inf)


def span_lengths(spans: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
    """Pixels from the first to the last of each span, both included."""
    return (spans[..., 1] - spans[..., 0] + 1).clip(min=0)


def common_pixels(
    first: Float[np.ndarray, "r 2 2"], second: Float[np.ndarray, "r 2 2"]
) -> Float[np.ndarray, "r"]:
    """Pixels of each row that are in a span of the one and in a span of the other."""
    low = np.maximum(first[:, :, None, 0], second[:, None, :, 0])
    high = np.minimum(first[:, :, None, 1], second[:, None, :, 1])
    return span_lengths(np.stack([low, high], axis=-1)).sum(axis=(1, 2))
