"""Overlap of VOT's regions a pixel at a time: the challenges' rule and the toolkit's."""

import math

import numpy as np


def single(value):
    return float(np.float32(value))


def corners(region):
    if len(region) == 4:
        x, y, w, h = region
        region = [x, y, x + w, y, x + w, y + h, x, y + h]
    return [(single(region[i]), single(region[i + 1])) for i in range(0, 8, 2)]


def away_from_zero(value):
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def nodes_of(points, y, flat):
    """Where a polygon's edges meet row y, from each corner back to the one before."""
    nodes = []
    for i in range(4):
        (xa, ya), (xb, yb) = points[i], points[i - 1]
        if min(ya, yb) <= y <= max(ya, yb) and (ya != yb or flat):
            nodes.append(int(xa if ya == yb else xa + (y - ya) / (yb - ya) * (xb - xa)))
    return sorted(nodes)


def filled(points, width, height, *, toolkit):
    """Pixels of a polygon in a window; the toolkit counts flat edges and rows that are touched."""
    pixels = set()
    for y in range(height):
        nodes = nodes_of(points, y, toolkit)
        i = 0
        while i < len(nodes) - 1 and nodes[i] < width:
            if nodes[i] == nodes[i + 1] and not (toolkit and i == len(nodes) - 2):
                i += 1
                continue
            last = min(nodes[i + 1], width - 1)
            pixels |= {(x, y) for x in range(max(nodes[i], 0), last + 1)}
            i += 2
    return pixels


def quotient(above, below):
    if below:
        return above / below
    return math.nan if above == 0 else math.copysign(math.inf, above)


def challenge(first, second, size, margin=0):
    """region.c in STVIR/pysot d04028f: compute_polygon_overlap, its bounds those of the image.

    Where neither region covers a pixel it divides 0 by 0; here that is 0.
    """
    polygons = [corners(first), corners(second)]
    bounds = []
    for points in polygons:
        xs, ys = zip(*points, strict=True)
        bounds.append((
            max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0),
            min(math.ceil(max(xs)), size[0] - 1 + margin),
            min(math.ceil(max(ys)), size[1] - 1 + margin),
        ))  # fmt: skip
    a, b = bounds
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in bounds]
    left, top = min(a[0], b[0]), min(a[1], b[1])
    width, height = max(a[2], b[2]) - left + 1, max(a[3], b[3]) - top + 1
    ratios = quotient(areas[0], areas[1]), quotient(areas[1], areas[0])
    if min(ratios) < 1e-10 or width < 1 or height < 1:
        return 0.0
    common = (min(a[2], b[2]) - max(a[0], b[0])) * (min(a[3], b[3]) - max(a[1], b[1]))
    if quotient(common, sum(areas) - common) <= 0:
        return 0.0
    moved = [
        [(away_from_zero(single(x - left)), away_from_zero(single(y - top))) for x, y in points]
        for points in polygons
    ]
    one, other = (filled(points, width, height, toolkit=False) for points in moved)
    return len(one & other) / len(one | other) if one | other else 0.0


def toolkit(first, second, size):
    """vot-toolkit 0.9.0, vot/region/raster.py: calculate_overlap."""
    regions, bounds = [], []
    for region in (first, second):
        numbers = [round(single(number)) for number in region]
        if len(region) == 4:
            x, y, w, h = numbers
            bounds.append((x, y, x + w - 1, y + h - 1))
            regions.append(numbers)
        else:
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            xs, ys = zip(*points, strict=True)
            bounds.append((min(xs), min(ys), max(xs), max(ys)))
            regions.append(points)
    a, b = bounds
    left, top, right, bottom = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
    if left >= right or top >= bottom:
        return 1.0
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, size[0] - 1), min(bottom, size[1] - 1)
    if left >= right or top >= bottom:
        return 0.0
    masks = []
    for region in regions:
        if isinstance(region[0], int):
            x, y, w, h = region
            masks.append({
                (i, j) for i in range(max(x, left), min(x + w - 1, right) + 1)
                for j in range(max(y, top), min(y + h - 1, bottom) + 1)
            })  # fmt: skip
        else:
            points = [(x - left, y - top) for x, y in region]
            inside = filled(points, right - left + 1, bottom - top + 1, toolkit=True)
            masks.append({(x + left, y + top) for x, y in inside})
    one, other = masks
    return len(one & other) / len(one | other) if one | other else 0.0
