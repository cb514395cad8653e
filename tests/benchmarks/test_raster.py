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
        ([0, 0, 9, 9], [9, 9, 9, 9], 1 / 199),
        ([0, 0, 9, 9], [10, 0, 9, 9], 0.0),
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
    """Pixels of a polygon, row by row and edge by edge."""
    mask = np.zeros((height, width), bool)
    for y in range(height):
        nodes = set()
        for (xa, ya), (xb, yb) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
            if ya != yb and min(ya, yb) <= y <= max(ya, yb):
                nodes.add(int(xa + (y - ya) / (yb - ya) * (xb - xa)))
        nodes = sorted(nodes)
        for a, b in zip(nodes[::2], nodes[1::2], strict=False):
            mask[y, max(a, 0) : max(b + 1, 0)] = True
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
