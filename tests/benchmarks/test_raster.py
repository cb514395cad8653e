"""Overlap in whole pixels: by hand, against a slow reference, and the VOT toolkit's own values."""

import gzip
import json
import zipfile

import numpy as np
import pytest

from cfkd_core.benchmarks.raster import overlap, overlaps
from cfkd_core.benchmarks.vot import parse_run

SIZE = (100, 80)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # both edges of a rectangle are filled: 10 px wide means 11 pixels
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0),
        ([0, 0, 9, 9], [5, 0, 9, 9], 50 / 150),
        # bounds that only touch have no area in common, though a pixel is covered by both
        ([0, 0, 9, 9], [9, 9, 9, 9], 0.0),
        ([0, 0, 9, 9], [9, 0, 9, 9], 0.0),
        ([0, 0, 9, 9], [8, 8, 9, 9], 4 / 196),
        ([0, 0, 9, 9], [10, 0, 9, 9], 0.0),
        # 0.6 px apart, though both round to pixel 16. Source: region.c of STVIR/pysot (d04028f),
        # run on this pair
        ([10, 10, 5.7, 10], [16.3, 10, 5, 10], 0.0),
        # outside the image nothing counts
        ([-10, 0, 19, 9], [0, 0, 9, 9], 1.0),
        ([90, 70, 30, 30], [90, 70, 9, 9], 1.0),
        # the same as a quadrilateral, in whichever direction
        ([0, 0, 9, 9], [0, 0, 9, 0, 9, 9, 0, 9], 1.0),
        ([0, 0, 9, 9], [0, 9, 9, 9, 9, 0, 0, 0], 1.0),
        # a diamond's tips are single crossings: its rows 1, 2, 3 have 3, 5, 3 pixels
        ([0, 0, 4, 4], [2, 0, 4, 2, 2, 4, 0, 2], 11 / 25),
        # halves go away from zero: 0.5 is pixel 1 as seen from the corner at 0
        ([0.5, 0, 2, 2], [0, 0, 3, 2], 9 / 12),
    ],
)
def test_by_hand(first, second, expected):
    first, second = np.array(first, float), np.array(second, float)
    assert overlap(first, second, SIZE) == pytest.approx(expected, abs=1e-12)
    assert overlap(second, first, SIZE) == pytest.approx(expected, abs=1e-12)


def test_absent_regions_have_no_overlap():
    regions = np.array([[1.0, 1, 5, 5], [np.nan] * 4, [1, 1, 5, 5]])
    others = np.array([[1.0, 1, 5, 5], [1, 1, 5, 5], [np.nan] * 4])
    np.testing.assert_array_equal(overlaps(regions, others, SIZE), [1, np.nan, np.nan])
    assert len(overlaps(regions[:0], others[:0], SIZE)) == 0


def _filled(corners, width, height):
    """Pixels of a polygon, row by row and edge by edge, from the rule of region.c."""
    mask = np.zeros((height, width), bool)
    for y in range(height):
        nodes = []
        for (xa, ya), (xb, yb) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
            if ya != yb and min(ya, yb) <= y <= max(ya, yb):
                nodes.append(int(xa + (y - ya) / (yb - ya) * (xb - xa)))
        nodes.sort()
        while len(nodes) > 1:
            a = nodes.pop(0)
            if a != nodes[0]:
                mask[y, max(a, 0) : max(nodes.pop(0) + 1, 0)] = True
    return mask


def test_masks_give_the_same():
    generator = np.random.default_rng(0)
    # whole numbers need no rounding; crossed quadrilaterals have two spans in a row
    quads = generator.integers(0, 40, (2, 60, 8)).astype(float)
    quads[:, 0] = [0, 39, 39, 0, 0, 0, 39, 39]  # an hourglass
    found = overlaps(*quads, (200, 200))
    for pair, value in zip(quads.transpose(1, 0, 2), found, strict=True):
        corners = pair.reshape(2, 4, 2)
        corners = corners - corners.min(axis=(0, 1))
        width, height = corners.max(axis=(0, 1)).astype(int) + 1
        one, two = (_filled(each, width, height) for each in corners)
        assert value == pytest.approx((one & two).sum() / (one | two).sum(), abs=1e-12)


def test_a_quadrangle_that_crosses_itself_covers_no_pixel_twice():
    """Source: region.c of STVIR/pysot (d04028f), run on this pair: 1, not more."""
    first = np.array([25.446, 36.928, 9.276, 13.821, 22.887, 38.348, 11.835, 12.401])
    assert overlap(first, first - 0.18, SIZE) == 1


def test_the_far_corner_is_added_up_in_float64():
    """-0.4 + 0.9 is 0.5, which goes to 1; in float32 it is less, and goes to 0.

    Source: STVIR/pysot (d04028f), region.pyx adds Python's floats; region.c, run on this pair.
    """
    found = overlap(np.array([0.1, 10.9, 1.4, 6.1]), np.array([-0.4, 10.4, 0.9, 5.6]), (32, 24))
    assert found == 12 / 23


def test_regions_of_unlike_size_do_not_meet():
    """Bounds of less than 1e-10 of the other's area. Source: region.c of STVIR/pysot (d04028f)."""
    image = (200_000, 200_000)
    whole, dot = np.array([0.0, 0, 150_000, 150_000]), np.array([10.0, 10, 1, 1])
    assert 1 / 150_000**2 < 1e-10
    assert overlaps(dot[None], whole[None], image)[0] == 0


def test_a_margin_counts_beyond_the_image():
    first, second = np.array([[90.0, 70, 20, 20]]), np.array([[90.0, 70, 10, 20]])
    # 10 x 10 px of each lie in the image; with a pixel more, 11 x 11 and 11 x 11
    assert overlaps(first, second, SIZE)[0] == 1
    second = np.array([[90.0, 70, 9, 20]])
    assert overlaps(first, second, SIZE)[0] == 1
    assert overlaps(first, second, SIZE, margin=1)[0] == pytest.approx(110 / 121)


def test_rectangles_among_quadrangles():
    mixed = np.array([[0.0, 0, 9, 9, *[np.nan] * 4], [0.0, 0, 9, 0, 9, 9, 0, 9]])
    np.testing.assert_array_equal(overlaps(mixed, mixed[::-1], SIZE), [1, 1])


@pytest.mark.parametrize("run", ["VOT2018_DaSiamRPN", "VOT2019_LightTrack"])
def test_overlaps_are_the_toolkits_to_the_last_bit(shared, run):
    folder = shared / "oracles/vot"
    annotation = json.loads(gzip.decompress((folder / f"{run[:7]}.json.gz").read_bytes()))
    golden = np.load(folder / f"golden_overlaps_{run}.npz")
    with zipfile.ZipFile(folder / f"results/{run}.zip") as results:
        for name, entry in annotation.items():
            text = results.read(f"baseline/{name}/{name}_001.txt").decode()
            truth = np.array(entry["gt_rect"], float)
            size = entry["width"], entry["height"]
            found = overlaps(parse_run(text, name).regions, truth, size)
            np.testing.assert_array_equal(found.astype(np.float32), golden[name], name)
