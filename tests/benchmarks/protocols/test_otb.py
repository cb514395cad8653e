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


def test_each_centre_is_taken_before_the_difference():
    """Truth 134,55,60,88 and box 134.3,55.44,59.4,87.12 have one centre, to the last bit.

    Source: tracker_benchmark v1.1, calcSeqErrRobust.m: precision at 0 px is 1.
    """
    truth, found = (
        np.array([row] * 2) for row in ([134.0, 55, 60, 88], [134.3, 55.44, 59.4, 87.12])
    )
    assert OTB.curves(found, truth, np.ones(2, bool))["precision"][0] == 1


def test_a_bad_second_box_is_the_trackers_own_first_one(score):
    """Truth twice 10,10,10,10; boxes 100,100,10,10 and 100,100,0,0: .476.

    Source: tracker_benchmark v1.1, calcSeqErrRobust.m, which mends before it sets the first box.
    """
    truth = np.tile([10.0, 10, 10, 10], (2, 1))
    found = np.array([[100.0, 100, 10, 10], [100, 100, 0, 0]])
    for name in ("otb", "uav123", "lasot"):
        assert score(PROTOCOLS[name], found, truth)["success_auc"] == pytest.approx(10 / 21)


@pytest.mark.parametrize(("missing", "success"), [(0, 1), (2, 2 / 3)])
def test_a_box_with_a_single_nan_is_not_mended(missing, success, score):
    """Source: tracker_benchmark v1.1, calcSeqErrRobust.m: `if` asks whether all four are NaN."""
    truth = np.tile([10.0, 10, 10, 10], (3, 1))
    found = truth.copy()
    found[1, missing] = np.nan
    scores = score(OTB, found, truth)
    assert scores == pytest.approx({"success_auc": 20 / 21 * success, "precision_at_20": 2 / 3})
    found[1] = np.nan
    assert score(OTB, found, truth)["precision_at_20"] == 1
