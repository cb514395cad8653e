"""PySOT's rule where it differs from the benchmarks' own."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, score_sequence
from cfkd_core.errors import InputError

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
    ("invalid", "success", "norm_precision"),
    [
        # no area: the frame fails in overlap, but its centre is one all the same; divided by
        # almost nothing it lies far away
        ([56, 40, 0, 10], 3 / 4, 3 / 4),
        # a centre left of the origin: the overlap counts, and the error succeeds unseen
        ([-20, 40, 10, 10], 3 / 4, 1),
        ([np.nan] * 4, 3 / 4, 1),
    ],
)
def test_invalid_annotation(invalid, success, norm_precision, straight, score):
    truth, predicted = straight(4), straight(4)
    truth[2] = invalid
    scores = score(PYSOT, predicted, truth)
    assert scores["success_auc"] == pytest.approx(20 / 21 * success)
    assert scores["precision_at_20"] == 1
    assert scores["norm_precision_at_20"] == norm_precision


def test_an_annotation_without_area_fails_in_normalised_error(score):
    """Truth 10,10,0,0 in the second of two frames, box 20,20,5,5.

    Source: STVIR/pysot (d04028f), ope_benchmark.py: centres are divided by sides + 1e-16.
    """
    truth = np.array([[10.0, 10, 10, 10], [10, 10, 0, 0]])
    found = np.array([[10.0, 10, 10, 10], [20, 20, 5, 5]])
    assert score(PYSOT, found, truth)["norm_precision_at_20"] == 0.5


def test_overlaps_are_limited_to_one(score):
    """A box and itself overlap by 1 + 2e-16 unclipped, and would succeed at the threshold 1.

    Source: STVIR/pysot (d04028f), statistics.py, overlap_ratio.
    """
    truth = np.array([[57.9, 11, 7.3, 10]] * 2)
    assert score(PYSOT, truth, truth)["success_auc"] == pytest.approx(20 / 21)


def test_each_centre_is_divided_before_the_difference():
    """Truth 1,1,12,10 and box 7,1,12,10: 0.5000000000000001, which is above 0.50.

    Source: STVIR/pysot (d04028f), ope_benchmark.py, convert_bb_to_norm_center.
    """
    truth, found = (np.tile([x, 1.0, 12, 10], (1, 1)) for x in (1.0, 7.0))
    assert PYSOT.curves(found, truth, np.ones(1, bool))["norm_precision"][50] == 0


def test_longer_results_are_cut_for_lasot_alone(straight):
    """Source: STVIR/pysot (d04028f), toolkit/datasets/lasot.py, load_tracker."""
    truth = Annotation("monkey-17", straight(4), np.ones(4, bool))
    scored = score_sequence(PROTOCOLS["pysot-lasot"], truth, straight(6))
    assert scored.scores["precision_at_20"] == 1
    with pytest.raises(InputError, match="6 boxes for 4 frames"):
        score_sequence(PYSOT, truth, straight(6))


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
