"""LaSOT's rule by hand: what an absent frame does to an oracle and to a copy of the first box."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, score_sequence
from cfkd_core.errors import InputError

LASOT = PROTOCOLS["lasot"]


def test_absent_frames_fail_whatever_the_tracker_answers(straight, score):
    truth = straight(10)
    visible = np.arange(10) < 8
    scores = score(LASOT, truth, truth, visible)
    assert scores == pytest.approx({
        "success_auc": 20 / 21 * 8 / 10, "precision_at_20": 8 / 10, "norm_precision_at_20": 8 / 10
    })  # fmt: skip
    # the annotation of an absent frame may hold anything
    truth[~visible] = 0
    assert score(LASOT, straight(10), truth, visible) == pytest.approx(scores)


def test_copy_of_the_first_box_is_computed_from_the_path(straight, score):
    truth = straight(10)
    visible = np.arange(10) != 1
    scores = score(LASOT, np.repeat(truth[:1], 10, axis=0), truth, visible)
    # 3 px a frame and 10 px wide; frame 1 is absent. Up to 18 px: frames 0 and 2 to 6 of ten.
    assert scores["precision_at_20"] == pytest.approx(6 / 10)
    # up to 0.2 widths is up to 2 px: the first frame alone
    assert scores["norm_precision_at_20"] == pytest.approx(1 / 10)
    # overlaps: 1, then 4/16 and 1/19 in frames 2 and 3, above 5 and 2 of the 21 thresholds
    assert scores["success_auc"] == pytest.approx((20 + 5 + 2) / 21 / 10)


def test_visible_frame_without_an_area_succeeds_in_both_errors(straight, score):
    truth = straight(4)
    truth[2] = [1, 1, 0, 0]
    scores = score(LASOT, straight(4), truth)
    assert scores["success_auc"] == pytest.approx(20 / 21 * 3 / 4)
    assert scores["precision_at_20"] == scores["norm_precision_at_20"] == 1


def test_normalised_error_is_in_sides_of_the_ground_truth(score):
    truth = np.tile([50.0, 50, 40, 10], (4, 1))
    moved = truth + np.array([[0, 0, 0, 0], [7.6, 0, 0, 0], [0, 1.9, 0, 0], [7.6, 1.9, 0, 0]])
    # 0.19 widths; 0.19 heights; both together are 0.27 away
    assert score(LASOT, moved, truth)["norm_precision_at_20"] == 3 / 4


@pytest.mark.parametrize("truth", [[0, 10, 10, 10], [10, 0, 10, 10], [10, 10, 0, 10]])
def test_a_published_number_of_zero_makes_an_annotation_invalid(truth, score):
    """x and y as well as w and h, counted from 1: one of two frames fails in overlap.

    Source: HengLan/LaSOT_Evaluation_Toolkit (95bf38a), calc_seq_err_robust.m: sum(index, 2)==4.
    """
    truth = np.array([[10.0, 10, 10, 10], truth])
    scores = score(LASOT, truth, truth)
    assert scores["success_auc"] == pytest.approx(10 / 21)  # .476
    assert scores["precision_at_20"] == scores["norm_precision_at_20"] == 1


def test_each_centre_is_divided_before_the_difference():
    """Truth 1,1,12,10 and box 7,1,12,10: 0.5000000000000001, which is above 0.50.

    Source: HengLan/LaSOT_Evaluation_Toolkit (95bf38a), calc_seq_err_robust.m, norm_dst.
    """
    truth, found = (np.tile([x, 1.0, 12, 10], (2, 1)) for x in (1.0, 7.0))
    curve = LASOT.curves(found, truth, np.ones(2, bool))["norm_precision"]
    assert (curve[49], curve[50]) == (0.5, 0.5)


def test_more_boxes_than_frames_are_cut(straight):
    """As monkey-17 has them. Source: HengLan/LaSOT_Evaluation_Toolkit, calc_seq_err_robust.m."""
    truth = Annotation("monkey-17", straight(4), np.ones(4, bool))
    scored = score_sequence(LASOT, truth, straight(6))
    assert scored.scores["precision_at_20"] == 1
    assert scored.frames == 4
    with pytest.raises(InputError, match="3 boxes for 4 frames"):
        score_sequence(LASOT, truth, straight(3))


def test_test_set_has_the_absent_frames_that_the_toolkit_counts(shared):
    stored = np.load(shared / "oracles/lasot/lasot_test280_gt_absent.npz")
    names = sorted({key.split("/")[0] for key in stored.files})
    curves = []
    for name in names[::20]:
        truth, visible = stored[f"{name}/gt"].astype(float), stored[f"{name}/absent"] == 0
        curves.append(LASOT.curves(truth, truth, visible)["precision"][20] == visible.mean())
        assert LASOT.curves(truth, truth, visible)["success"][0] <= visible.mean()
    assert len(names) == 280
    assert all(curves)
