"""TrackingNet's rule by hand, and the development kit's own example."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.published import read_one_pass
from cfkd_core.benchmarks.scoring import Annotation, score_one_pass

TRACKINGNET = PROTOCOLS["trackingnet"]


def test_boxes_are_rounded_to_even(score):
    truth = np.tile([50.0, 50, 10, 10], (2, 1))
    half = truth + np.array([[0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]])
    assert score(TRACKINGNET, half, truth)["success_auc"] == 1
    more = truth + np.array([[0, 0, 0, 0], [0, 0, 0.6, 0]])
    # 10 / 11 is at or above 19 of 21 thresholds, two of which weigh half
    assert score(TRACKINGNET, more, truth)["success_auc"] == pytest.approx((1 + 18.5 / 20) / 2)


def test_overlap_at_its_threshold_is_a_success(straight):
    truth = straight(3)
    half = truth * [1, 1, 0.5, 1]
    # frame 1 is the ground truth; the others overlap by exactly a half
    success = TRACKINGNET.curves(half, truth, np.ones(3, bool))["success"]
    np.testing.assert_allclose(success, [1] * 11 + [1 / 3] * 10)


def test_scores_are_areas_by_the_trapezoid_rule(straight, score):
    truth = straight(2)
    moved = truth + np.array([[0, 0, 0, 0], [26, 0, 0, 0]])
    scores = score(TRACKINGNET, moved, truth)
    # at 27.5 px, the 12th of 21 thresholds, the second frame comes in: half an interval earlier
    assert scores["precision_auc"] == pytest.approx(0.5 + 0.5 * 9.5 / 20)
    assert scores["norm_precision_auc"] == 0.5


def test_dummy_submission_scores_as_the_kit_prints(shared):
    folder = shared / "oracles/trackingnet"
    truth = read_one_pass(folder / "dummy_GT.zip")
    submitted = read_one_pass(folder / "dummy_subm.zip")
    annotations = [
        Annotation(name, boxes, np.ones(len(boxes), bool)) for name, (boxes,) in truth.items()
    ]
    # one sequence was not submitted, and one lacks its last 48 boxes
    assert len(submitted) == len(truth) - 1
    nothing = {name: (np.empty((0, 4)),) for name in truth}
    report = score_one_pass(
        TRACKINGNET, annotations, nothing | submitted, benchmark="trackingnet", tracker="dummy"
    )
    assert {name: round(100 * value, 4) for name, value in report.scores.items()} == {
        "success_auc": 88.0796, "precision_auc": 87.8025, "norm_precision_auc": 87.8025
    }  # fmt: skip
