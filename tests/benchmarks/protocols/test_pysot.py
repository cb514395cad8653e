"""PySOT's rule where it differs from the benchmarks' own."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS

PYSOT = PROTOCOLS["pysot"]


def test_first_frame_counts_as_the_tracker_wrote_it(straight, score):
    predicted = straight(4)
    predicted[0] = [900, 900, 5, 5]
    scores = score(PYSOT, predicted, straight(4))
    assert scores["success_auc"] == pytest.approx(20 / 21 * 3 / 4)
    assert scores["precision_at_20"] == 3 / 4


def test_prediction_without_an_area_is_not_mended(straight, score):
    predicted = straight(4)
    predicted[2] = [900, 900, 0, 5]
    assert score(PYSOT, predicted, straight(4))["success_auc"] == pytest.approx(20 / 21 * 3 / 4)


@pytest.mark.parametrize(
    ("invalid", "success", "precision"),
    [
        # no area: the frame fails in overlap, but its centre is one all the same
        ([56, 40, 0, 10], 3 / 4, 1),
        # a centre left of the origin: the overlap counts, and the error succeeds unseen
        ([-20, 40, 10, 10], 3 / 4, 1),
        ([np.nan] * 4, 3 / 4, 1),
    ],
)
def test_invalid_annotation(invalid, success, precision, straight, score):
    truth, predicted = straight(4), straight(4)
    truth[2] = invalid
    scores = score(PYSOT, predicted, truth)
    assert scores["success_auc"] == pytest.approx(20 / 21 * success)
    assert scores["precision_at_20"] == scores["norm_precision_at_20"] == precision


def test_centre_left_of_the_origin_may_overlap(straight, score):
    truth, predicted = straight(4), straight(4)
    truth[2] = predicted[2] = [-20, 40, 10, 10]
    assert score(PYSOT, predicted, truth)["success_auc"] == pytest.approx(20 / 21)


def test_flags_count_for_lasot_alone(straight, score):
    truth, visible = straight(4), [True, True, False, True]
    assert score(PYSOT, truth, truth, visible)["precision_at_20"] == 1
    scores = score(PROTOCOLS["pysot-lasot"], truth, truth, visible)
    assert scores == pytest.approx({
        "success_auc": 20 / 21 * 3 / 4, "precision_at_20": 3 / 4, "norm_precision_at_20": 3 / 4
    })  # fmt: skip
