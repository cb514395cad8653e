"""Quadrangles: the box around one, and the box a tracker begins with."""

import numpy as np
import pytest

from cfkd_core import boxes
from cfkd_core.datasets import regions

DIAMOND = np.array([6.0, 1, 10, 4, 6, 7, 2, 4])


def test_no_region_is_no_box():
    none = np.empty((0, 8))
    assert regions.enclosing_boxes(none).shape == regions.starting_boxes(none).shape == (0, 4)


def test_a_box_is_its_own_enclosing_box():
    box = np.array([[3.0, 4, 10, 20], [-2, 0.5, 1, 1]])
    np.testing.assert_array_equal(regions.enclosing_boxes(regions.from_boxes(box)), box)


def test_the_starting_box_by_hand():
    """Sides of 5 px, an extent of 8 x 6 px: the root of 25 / 48, and one px more."""
    scale = np.sqrt(25 / 48)
    found = regions.starting_boxes(DIAMOND)
    np.testing.assert_allclose(found[2:], [8 * scale + 1, 6 * scale + 1])
    np.testing.assert_allclose(boxes.centre(found), [6, 4])


def test_the_starting_box_of_an_upright_one_is_a_px_larger():
    box = np.array([3.0, 4, 10, 20])
    found = regions.starting_boxes(regions.from_boxes(box))
    np.testing.assert_allclose(found, [2.5, 3.5, 11, 21])


@pytest.mark.parametrize("degrees", [0, 20, 45, 90])
def test_the_starting_box_keeps_the_area_however_it_is_turned(degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-20, -10], [20, -10], [20, 10], [-20, 10]]) @ turn.T + 100
    found = regions.starting_boxes(corners.reshape(8))
    assert boxes.area(found - [0, 0, 1, 1]) == pytest.approx(40 * 20)


def test_absent_and_flat_regions():
    flat = np.array([1.0, 1, 5, 1, 5, 1, 1, 1])
    found = regions.starting_boxes(np.stack([np.full(8, np.nan), flat]))
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], [0.5, 0.5, 5, 1])
