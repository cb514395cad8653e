"""Overlaps by hand, pixel by pixel."""

import numpy as np
import pytest

from cfkd_core.benchmarks import raster
from cfkd_core.benchmarks.toolkit_raster import overlaps

SIZE = (20, 12)


def one(first, second, size=SIZE):
    return overlaps(np.array([first], float), np.array([second], float), size)[0]


def _filled(region):
    """Pixels of a rectangle of whole numbers."""
    x, y, w, h = region
    return {(i, j) for i in range(x, x + w) for j in range(y, y + h)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((2, 3, 5, 4), (2, 3, 5, 4)),
        ((2, 3, 5, 4), (4, 4, 5, 4)),
        ((2, 3, 5, 4), (6, 6, 3, 3)),  # a pixel in common
        ((2, 3, 5, 4), (7, 3, 5, 4)),  # side by side
    ],
)
def test_a_rectangle_covers_as_many_pixels_as_it_is_wide(first, second):
    ours, theirs = _filled(first), _filled(second)
    assert one(first, second) == len(ours & theirs) / len(ours | theirs)


def test_the_image_cuts_both():
    # of 5 x 4 and 5 x 4 px, 3 x 4 and 2 x 4 lie within
    assert one((-2, 0, 5, 4), (-3, 0, 5, 4)) == 2 / 3
    assert one((17, 2, 5, 4), (18, 2, 5, 4)) == 2 / 3


def test_halves_go_to_the_even_neighbour():
    assert one((2.5, 3, 5, 4), (2, 3, 5, 4)) == 1
    assert one((3.5, 3, 5, 4), (4, 3, 5, 4)) == 1


def test_a_row_that_is_only_touched_counts():
    """A diamond: the corners above and below are a pixel each, which the challenges' rule drops."""
    diamond = (5, 2, 7, 4, 5, 6, 3, 4)
    whole = (3, 2, 5, 5)
    assert one(diamond, whole) == (1 + 3 + 5 + 3 + 1) / 25
    assert raster.overlap(np.array(diamond, float), np.array((3.0, 2, 4, 4)), SIZE) == 11 / 25


def test_a_rectangle_is_rounded_before_its_last_pixel_is_sought():
    """x 0.4, w 1.4 is x 0, w 1, whose last pixel is 0; x + w - 1 = 0.8 would be 1.

    Source: vot-toolkit 0.9.0, vot/region/raster.py, _infer_meta.
    """
    assert one((0.4, 0, 1.4, 4), (0, 0, 2, 4)) == 1 / 2
    assert one((0.4, 0, 1.4, 4), (0, 0, 3, 4)) == 1 / 3


def test_what_is_unknown_stays_so_and_two_lines_are_the_same():
    """Source: vot-toolkit 0.9.0, run on these pairs: one row of pixels is taken for no region."""
    first = np.array([[np.nan] * 4, [2, 3, 5, 1], [2, 3, 1, 1], [2, 3, 0, 4], [-9, 3, 9, 4]])
    second = np.array([[2.0, 3, 5, 4], [4, 3, 5, 1], [2, 3, 5, 4], [2, 3, 5, 4], [-5, 3, 6, 4]])
    np.testing.assert_array_equal(overlaps(first, second, SIZE), [np.nan, 1, 1 / 20, 0, 0])


def test_rectangles_among_quadrangles():
    mixed = np.array([[2.0, 3, 5, 4, *[np.nan] * 4], [2.0, 3, 6, 3, 6, 6, 2, 6]])
    np.testing.assert_array_equal(overlaps(mixed, mixed[::-1], SIZE), [1, 1])
    assert overlaps(np.empty((0, 4)), np.empty((0, 8)), SIZE).shape == (0,)
