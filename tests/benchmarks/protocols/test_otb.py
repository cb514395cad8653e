"""OTB's rule, case by case, and UAV123's, which is the same."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import OTB_ERRORS, OTB_OVERLAPS, PROTOCOLS

OTB = PROTOCOLS["otb"]


def test_still_tracker_is_computed_from_the_path(straight, score):
    truth = straight(12)
    still = np.repeat(truth[:1], 12, axis=0)
    shift = 3.0 * np.arange(12)
    overlap = np.clip(10 - shift, 0, None) / (20 - np.clip(10 - shift, 0, None))
    expected = np.mean([(overlap > t).mean() for t in OTB_OVERLAPS])
    scores = score(OTB, still, truth)
    assert scores["success_auc"] == pytest.approx(expected)
    assert scores["precision_at_20"] == pytest.approx(7 / 12)  # 18 px is within, 21 is not


def test_first_frame_counts_as_the_ground_truth(straight, score):
    truth = straight(4)
    lost = np.tile([500.0, 500, 5, 5], (4, 1))
    assert score(OTB, lost, truth)["precision_at_20"] == 1 / 4


def test_invalid_prediction_stands_for_the_one_before(straight, score):
    truth = np.repeat(straight(1), 3, axis=0)
    broken = np.array([truth[0], [np.nan] * 4, [1.0, 1, 0, 0]])
    assert score(OTB, broken, truth)["success_auc"] == pytest.approx(20 / 21)


@pytest.mark.parametrize("name", ["otb", "uav123"])
def test_frame_without_ground_truth_fails_in_overlap_and_succeeds_in_error(name, straight):
    truth = straight(4)
    truth[2] = np.nan
    curves = PROTOCOLS[name].curves(straight(4), truth, np.array([True, True, False, True]))
    np.testing.assert_allclose(curves["success"][:-1], 3 / 4)
    np.testing.assert_allclose(curves["precision"], 1.0)


def test_twenty_px_is_the_value_of_that_name():
    assert OTB_ERRORS[20] == 20
