"""Curves and repairs against values by hand."""

import numpy as np
import pytest

from cfkd_core.benchmarks.metrics import (
    centre_error,
    colon_grid,
    hold_last,
    is_box,
    precision_curve,
    success_curve,
)


def test_success_is_strict_and_precision_is_not():
    thresholds = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(
        success_curve(np.array([0.0, 0.5, 1.0]), thresholds), [2 / 3, 1 / 3, 0]
    )
    errors = np.array([0.0, 0.5, 2.0])
    np.testing.assert_allclose(precision_curve(errors, thresholds), [1 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("row", "valid"),
    [
        ([1, 2, 3, 4], True),
        ([-5, -5, 3, 4], True),  # outside the frame is still a box
        ([1, 2, 0, 4], False),
        ([1, 2, 3, -1], False),
        ([np.nan, 2, 3, 4], False),
        ([1, 2, np.inf, 4], False),
    ],
)
def test_which_rows_are_boxes(row, valid):
    assert is_box(np.array([row], dtype=float)).tolist() == [valid]


def test_invalid_rows_hold_the_last_valid_one():
    good, other, bad = [1.0, 1, 5, 5], [2.0, 2, 5, 5], [0.0, 0, 0, 0]
    nan = [np.nan] * 4
    held = hold_last(np.array([good, bad, nan, other, bad]))
    np.testing.assert_array_equal(held, [good, good, good, other, other])


def test_centre_error_is_the_half_of_a_growing_box():
    first, second = np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 16, 18]])
    np.testing.assert_allclose(centre_error(first, second), [5.0])
    np.testing.assert_allclose(centre_error(first, first), [0.0])


def test_colon_grid_is_matlabs_to_the_last_bit():
    grid = colon_grid(0.05, 21)
    np.testing.assert_allclose(grid, np.linspace(0, 1, 21), rtol=1e-15)
    assert grid[0] == 0
    assert grid[20] == 1
    # counted down from 1 in the upper half: neither linspace nor k * 0.05 gives these
    assert grid[12] == 1 - 0.05 * 8
    assert grid[17] == 1 - 0.05 * 3
    assert (grid != np.linspace(0, 1, 21)).any()
