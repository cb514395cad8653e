"""PyTracking's rule where it differs from the benchmarks' own."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, score_sequence
from cfkd_core.errors import InputError

VISIBLE = [True, True, False, True]


@pytest.mark.parametrize(
    ("name", "precision", "norm_precision"),
    [("pytracking", 3 / 4, 1), ("pytracking-lasot", 3 / 4, 3 / 4), ("pytracking-uav123", 1, 1)],
)
def test_frame_without_a_target(name, precision, norm_precision, straight, score):
    truth = straight(4)
    expected = {
        "success_auc": 20 / 21 * 3 / 4,
        "precision_at_20": precision,
        "norm_precision_at_20": norm_precision,
    }
    assert score(PROTOCOLS[name], straight(4), truth, VISIBLE) == pytest.approx(expected)
    truth[2] = np.nan
    assert score(PROTOCOLS[name], straight(4), truth, VISIBLE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "precision"),
    [("pytracking", 3 / 4), ("pytracking-lasot", 3 / 4), ("pytracking-uav123", 1)],
)
def test_visible_frame_without_an_area(name, precision, straight, score):
    truth = straight(4)
    truth[2, 2:] = 0
    scores = score(PROTOCOLS[name], straight(4), truth)
    assert scores["success_auc"] == pytest.approx(20 / 21 * 3 / 4)
    assert scores["precision_at_20"] == precision
    assert scores["norm_precision_at_20"] == 1


def test_first_frame_is_the_ground_truth_and_no_area_is_the_box_before(straight, score):
    truth = np.repeat(straight(1), 4, axis=0)
    predicted = truth.copy()
    predicted[0] = [900, 900, 5, 5]
    predicted[2] = [900, 900, 0, 5]
    scores = score(PROTOCOLS["pytracking"], predicted, truth)
    assert scores["success_auc"] == pytest.approx(20 / 21)


def test_normalised_precision_is_the_value_at_a_fifth(straight, score):
    truth = straight(2)
    within, beyond = ([[0, 0, 0, 0], [shift, 0, 0, 0]] for shift in (1.9, 2.1))
    assert score(PROTOCOLS["pytracking"], truth + within, truth)["norm_precision_at_20"] == 1
    assert score(PROTOCOLS["pytracking"], truth + beyond, truth)["norm_precision_at_20"] == 0.5


def test_zeros_stand_for_missing_boxes_after_the_others_are_mended():
    """Truth three times 10,10,10,10, two right boxes: .635, not the .952 of a mended third.

    Source: visionml/pytracking (7eb9e74), extract_results.py, calc_seq_err_robust.
    """
    truth = Annotation("toy", np.tile([10.0, 10, 10, 10], (3, 1)), np.ones(3, bool))
    scored = score_sequence(PROTOCOLS["pytracking"], truth, truth.boxes[:2])
    assert scored.scores["success_auc"] == pytest.approx(40 / 63)


@pytest.mark.parametrize("name", ["pytracking", "pytracking-lasot", "pytracking-uav123"])
def test_a_bad_second_box_is_the_trackers_own_first_one(name, score):
    """Truth twice 10,10,10,10; boxes 100,100,10,10 and 100,100,0,0: .476.

    Source: visionml/pytracking (7eb9e74), extract_results.py: mended before the first box is set.
    """
    truth = np.tile([10.0, 10, 10, 10], (2, 1))
    found = np.array([[100.0, 100, 10, 10], [100, 100, 0, 0]])
    assert score(PROTOCOLS[name], found, truth)["success_auc"] == pytest.approx(10 / 21)


@pytest.mark.parametrize("name", ["pytracking", "pytracking-lasot", "pytracking-uav123"])
def test_a_published_number_of_zero_makes_an_annotation_invalid(name, score):
    """Truth 0,10,10,10 in one of two frames: .476.

    Source: visionml/pytracking (7eb9e74), extract_results.py: (anno_bb > 0.0).sum(1) == 4.
    """
    truth = np.array([[10.0, 10, 10, 10], [0, 10, 10, 10]])
    assert score(PROTOCOLS[name], truth, truth)["success_auc"] == pytest.approx(10 / 21)


def test_each_centre_is_divided_before_the_difference():
    """Truth 1,1,12,10 and box 7,1,12,10: 0.5000000000000001, which is above 0.50.

    Source: visionml/pytracking (7eb9e74), extract_results.py, calc_err_center.
    """
    truth, found = (np.tile([x, 1.0, 12, 10], (2, 1)) for x in (1.0, 7.0))
    curve = PROTOCOLS["pytracking"].curves(found, truth, np.ones(2, bool))["norm_precision"]
    assert curve[50] == 0.5  # the first frame alone


def test_results_of_another_length(straight):
    truth = Annotation("toy", straight(4), np.ones(4, bool))
    longer, shorter = straight(6), straight(3)
    for name in ("pytracking", "pytracking-lasot"):
        assert score_sequence(PROTOCOLS[name], truth, longer).scores["precision_at_20"] == 1
    # a missing box is one of zeros, and fails
    assert score_sequence(PROTOCOLS["pytracking"], truth, shorter).scores == pytest.approx({
        "success_auc": 20 / 21 * 3 / 4, "precision_at_20": 3 / 4, "norm_precision_at_20": 3 / 4
    })  # fmt: skip
    with pytest.raises(InputError, match="3 boxes for 4 frames"):
        score_sequence(PROTOCOLS["pytracking-lasot"], truth, shorter)
