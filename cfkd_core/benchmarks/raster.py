"""Overlap of regions as the VOT toolkit computes it: in whole pixels, inside the image.

A published VOT score is an average of such overlaps. The exact area of a polygon, or another way
of filling one, moves the third decimal of an EAO, and a single small target by 0.1.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from cfkd_core.datasets.regions import are_known, to_corners

# Pairs whose rows of pixels are laid out together: few, so that a long video takes no more memory.
_AT_ONCE = 64

# Pixels of one row that a quadrilateral covers: up to two spans, from first to last pixel. An
# empty span ends before it starts, so that its length, last - first + 1, is none.
_EMPTY_SPAN = (0.0, -1.0)

# Regions whose bounds differ more in area have no overlap. Source: region.c, see `overlaps`.
_SMALLEST_SHARE = 1e-10


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
    first: Float[np.ndarray, "t _"],
    second: Float[np.ndarray, "t _"],
    size: tuple[int, int],
    *,
    margin: int = 0,
) -> Float[np.ndarray, "t"]:
    """Compute `overlap` of each pair of rows; NaN where either row has no region.

    A rectangle goes from x to x + w and from y to y + h. Both polygons move to the corner of the
    smallest box around the two, in float32, and their corners go to whole pixels there, halves
    away from zero. A row of pixels is filled from crossing to crossing, both inclusive, the
    crossings truncated.

    Three places surprise:

    - A box of w x h px covers (w + 1) x (h + 1) pixels.
    - Regions whose bounds, rounded outwards, only touch have an overlap of 0, though their pixels
      may coincide; so have those of which one has 1e-10 of the other's area or less.
    - A row that a polygon only touches, with a corner or a horizontal edge, is empty.

    Args:
        first: rectangles or regions, of 4 or 8 columns (`datasets.regions`).
        second: likewise.
        margin: pixels right of and below the image that count, too: PySOT's and MATLAB's accuracy
            has one.

    Source: votchallenge/vot-toolkit (6987d85), trax's region.c, in the copy of STVIR/pysot
        (d04028f), toolkit/utils/src/region.c, compute_polygon_overlap; equal to float32 on all
        frames of shared/oracles/vot (tests/benchmarks/test_raster.py).
    Differs: 0 where neither region covers a pixel, as two of half a pixel may; there, 0 / 0.
    """
    last_pixel = np.array(size) - 1 + margin
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
    known = are_known(first) & are_known(second)
    for rows in np.array_split(np.flatnonzero(known), known.sum() // _AT_ONCE + 1):
        if len(rows):
            found[rows] = compute(first[rows], second[rows])
    return found


def _corners(regions: Float[np.ndarray, "n _"]) -> Float[np.ndarray, "n 4 2"]:
    """Corners in float32, the toolkit's precision, of rectangles or of quadrilaterals."""
    # the far corner is added up before: -0.4 + 0.9 is 0.5 only so
    return to_corners(regions).astype(np.float32).reshape(-1, 4, 2)


def _overlaps(
    corners: Float[np.ndarray, "2 n 4 2"], last_pixel: Int[np.ndarray, "2"]
) -> Float[np.ndarray, "n"]:
    low = np.maximum(np.floor(corners.min(axis=2)), 0)
    high = np.minimum(np.ceil(corners.max(axis=2)), last_pixel.astype(np.float32))
    found = np.zeros(corners.shape[1])
    meet = _meet(low, high)
    start = low.min(axis=0)[meet]
    extent = (high.max(axis=0)[meet] - start).astype(int) + 1
    moved = _round(corners[:, meet] - start[:, None])
    found[meet] = shares(moved[0], moved[1], extent, _crossings, keep_last=False)
    return found


def _meet(
    low: Float[np.ndarray, "2 n 2"], high: Float[np.ndarray, "2 n 2"]
) -> Bool[np.ndarray, "n"]:
    """Whether the bounds of each pair have an area in common, and areas of one order."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        areas = (high - low).prod(axis=2)
        common = (high.min(axis=0) - low.max(axis=0)).prod(axis=1)
        ratios = areas.astype(float) / areas[::-1]
        share = common / (areas.sum(axis=0) - common)
    # a window of no pixel: the differences are cut to whole numbers, and one is added
    empty = (high.max(axis=0) - low.min(axis=0) <= -1).any(axis=1)
    # 0 / 0 is not below anything: bounds of which neither has an area go on to their pixels
    return ~((ratios < _SMALLEST_SHARE).any(axis=0) | (share <= 0) | empty)


def shares(
    first: Float[np.ndarray, "n 4 2"],
    second: Float[np.ndarray, "n 4 2"],
    extent: Int[np.ndarray, "n 2"],
    crossings: Callable[..., Float[np.ndarray, "r 4"]],
    *,
    keep_last: bool,
) -> Float[np.ndarray, "n"]:
    """Pixels that two polygons share, of those that either has; 0 where there are none.

    Args:
        first: corners on whole pixels, from the corner of the window.
        extent: width and height of the window.
        crossings: (corners, row) -> where the edges cross the row; infinite where they do not.
        keep_last: see `_spans`.
    """
    pair, row = _rows(extent[:, 1])
    spans = [
        _spans(np.sort(crossings(each[pair], row), axis=1), extent[pair, 0], keep_last=keep_last)
        for each in (first, second)
    ]
    covered = [np.bincount(pair, _lengths(each).sum(axis=1), len(extent)) for each in spans]
    common = np.bincount(pair, _common(*spans), len(extent))
    union = covered[0] + covered[1] - common
    return common / np.where(union > 0, union, 1)


def _round(values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Whole numbers; halves go away from zero, not to the even neighbour."""
    # in float64, where adding a half to a float32 just below it does not make a whole
    return np.trunc(values.astype(float) + np.copysign(0.5, values))


def _rows(heights: Int[np.ndarray, "n"]) -> tuple[Int[np.ndarray, "r"], Int[np.ndarray, "r"]]:
    """Index of the pair and index of the row, for all rows of all pairs in turn."""
    pair = np.repeat(np.arange(len(heights)), heights)
    before = np.cumsum(heights) - heights
    return pair, np.arange(len(pair)) - before[pair]


def _spans(
    nodes: Float[np.ndarray, "r 4"], width: Int[np.ndarray, "r"], *, keep_last: bool
) -> Float[np.ndarray, "r 2 2"]:
    """First and last pixel of the two spans that a polygon covers in a row of `width` pixels.

    Crossings are taken in pairs, from left to right. Of two equal ones that would make a pair the
    first is passed over: a corner in the row belongs to two edges. A pixel in which one span ends
    and the next begins, as where a polygon crosses itself, belongs to the first.

    Args:
        nodes: in ascending order; infinite ones are none.
        keep_last: make a pair of equal ones that have no third behind them.
    """
    count = np.isfinite(nodes).sum(axis=1)
    spans = np.tile(_EMPTY_SPAN, (len(nodes), 2, 1))
    at, filled, rows = np.zeros_like(count), np.zeros_like(count), np.arange(len(nodes))
    for _ in range(3):
        left, right = nodes[rows, at.clip(max=3)], nodes[rows, (at + 1).clip(max=3)]
        more = at < count - 1
        passed = more & (left == right) & ((at < count - 2) | (not keep_last))
        fill = more & ~passed
        spans[rows[fill], filled[fill]] = np.stack([left, right], axis=1)[fill]
        filled += fill
        at += np.where(passed, 1, 2)
    spans[:, 1, 0] = np.maximum(spans[:, 1, 0], spans[:, 0, 1] + 1)
    spans[..., 0] = spans[..., 0].clip(min=0)
    spans[..., 1] = np.minimum(spans[..., 1], width[:, None] - 1)
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


def _lengths(spans: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
    """Pixels from the first to the last of each span, both included."""
    return (spans[..., 1] - spans[..., 0] + 1).clip(min=0)


def _common(
    first: Float[np.ndarray, "r 2 2"], second: Float[np.ndarray, "r 2 2"]
) -> Float[np.ndarray, "r"]:
    """Pixels of each row that are in a span of the one and in a span of the other."""
    low = np.maximum(first[:, :, None, 0], second[:, None, :, 0])
    high = np.minimum(first[:, :, None, 1], second[:, None, :, 1])
    return _lengths(np.stack([low, high], axis=-1)).sum(axis=(1, 2))
