"""OTB's rule, case by case."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import OTB_ERRORS, OTB_OVERLAPS, PROTOCOLS

OTB = PROTOCOLS["otb"]


def _straight(count: int) -> np.ndarray:
    """A target of 10 x 10 px that moves 3 px a frame."""
    x = 50 + 3.0 * np.arange(count)
    return np.column_stack([x, np.full(count, 40.0), np.full(count, 10.0), np.full(count, 10.0)])


def _scores(predicted, ground_truth, visible=None) -> dict[str, float]:
    visible = np.ones(len(ground_truth), bool) if visible is None else visible
    return OTB.scores(OTB.curves(predicted, ground_truth, visible))


def test_oracle_has_20_of_21_and_1():
    truth = _straight(7)
    assert _scores(truth, truth) == pytest.approx({"success_auc": 20 / 21, "precision_at_20": 1.0})


def test_still_tracker_is_computed_from_the_path():
    truth = _straight(12)
    still = np.repeat(truth[:1], 12, axis=0)
    shift = 3.0 * np.arange(12)
    overlap = np.clip(10 - shift, 0, None) / (20 - np.clip(10 - shift, 0, None))
    expected = np.mean([(overlap > t).mean() for t in OTB_OVERLAPS])
    scores = _scores(still, truth)
    assert scores["success_auc"] == pytest.approx(expected)
    assert scores["precision_at_20"] == pytest.approx(7 / 12)  # 18 px is within, 21 is not


def test_first_frame_counts_as_the_ground_truth():
    truth = _straight(4)
    lost = np.tile([500.0, 500, 5, 5], (4, 1))
    assert _scores(lost, truth)["precision_at_20"] == 1 / 4


def test_invalid_prediction_stands_for_the_one_before():
    truth = np.repeat(_straight(1), 3, axis=0)
    broken = np.array([truth[0], [np.nan] * 4, [1.0, 1, 0, 0]])
    assert _scores(broken, truth)["success_auc"] == pytest.approx(20 / 21)


def test_frame_without_ground_truth_fails_in_overlap_and_succeeds_in_error():
    truth = _straight(4)
    truth[2] = np.nan
    visible = np.array([True, True, False, True])
    predicted = _straight(4)
    curves = OTB.curves(predicted, truth, visible)
    np.testing.assert_allclose(curves["success"][:-1], 3 / 4)
    np.testing.assert_allclose(curves["precision"], 1.0)


def test_coordinates_may_be_counted_from_1():
    truth, predicted = _straight(9), _straight(9) + np.arange(9)[:, None] % 4
    visible = np.ones(9, bool)
    plain = OTB.curves(predicted, truth, visible)
    first = np.array([1, 1, 0, 0])
    moved = OTB.curves(predicted + first, truth + first, visible)
    for name in plain:
        np.testing.assert_array_equal(plain[name], moved[name])


def test_curves_have_their_thresholds():
    truth = _straight(3)
    curves = OTB.curves(truth, truth, np.ones(3, bool))
    assert {name: len(values) for name, values in curves.items()} == {
        name: len(grid) for name, grid in OTB.thresholds.items()
    }
    assert OTB_ERRORS[20] == 20
