"""GOT-10k's rule by hand, and its toolkit's for other benchmarks."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, make_report, score_sequence

GOT10K = PROTOCOLS["got10k"]
TOOLKIT = PROTOCOLS["got10k-toolkit"]


def test_first_frame_and_hidden_frames_do_not_count(straight, score):
    truth = straight(5)
    predicted = truth.copy()
    predicted[0] = [900, 900, 5, 5]
    predicted[3] = [900, 900, 5, 5]
    visible = np.arange(5) != 3
    assert score(GOT10K, predicted, truth, visible) == pytest.approx(
        {"average_overlap": 1, "success_at_50": 1, "success_at_75": 1}
    )


def test_the_truth_itself_is_no_better_than_perfect():
    """Its overlap with itself comes out as 1 + 2e-16 here; the toolkit clips, too."""
    truth = np.array([[0.1, 1, 0.3, 10]] * 2)
    found = GOT10K.curves(truth, truth, np.ones(2, bool))
    assert found["overlap"] == 1
    assert found["success"][-1] == 0  # nothing is above 1


def test_success_is_strictly_above(straight, score):
    truth = straight(4)
    predicted = truth * [[1, 1, 1, 1], [1, 1, 0.5, 1], [1, 1, 0.75, 1], [1, 1, 0.76, 1]]
    assert score(GOT10K, predicted, truth) == pytest.approx({
        "average_overlap": (0.5 + 0.75 + 0.76) / 3, "success_at_50": 2 / 3, "success_at_75": 1 / 3
    })  # fmt: skip


def test_frames_weigh_alike_over_sequences(straight):
    long, short = straight(31), straight(11)
    lost = np.tile([900.0, 900, 5, 5], (11, 1))
    truths = [Annotation(name, boxes, np.ones(len(boxes), bool))
              for name, boxes in (("long", long), ("short", short))]  # fmt: skip
    scored = [score_sequence(GOT10K, truth, boxes)
              for truth, boxes in zip(truths, (long, lost), strict=True)]  # fmt: skip
    report = make_report(GOT10K, scored, benchmark="toy", tracker="half")
    assert report.scores["average_overlap"] == pytest.approx(30 / 40)
    assert report.curve("success")[10] == pytest.approx(30 / 40)


def test_sequence_that_is_never_seen_has_no_weight(straight):
    hidden = Annotation("hidden", straight(5), np.zeros(5, bool))
    seen = Annotation("seen", straight(5), np.ones(5, bool))
    scored = [score_sequence(GOT10K, each, straight(5)) for each in (hidden, seen)]
    report = make_report(GOT10K, scored, benchmark="toy", tracker="oracle")
    assert report.scores["average_overlap"] == 1


def test_boxes_can_be_cut_to_the_image():
    truth = np.array([[0.0, 0, 9, 9], [90, 0, 10, 10]])
    beyond = np.array([[0.0, 0, 9, 9], [90, 0, 20, 10]])
    visible = np.ones(2, bool)
    whole = GOT10K.curves(beyond, truth, visible)
    cut = GOT10K.curves(beyond, truth, visible, (100, 100))
    assert whole["overlap"] == 0.5
    assert cut["overlap"] == 1
    # a box that begins outside keeps its size until it ends outside
    before = np.array([[0.0, 0, 9, 9], [-5, 0, 10, 10]])
    inside = np.array([[0.0, 0, 9, 9], [0, 0, 10, 10]])
    assert GOT10K.curves(before, inside, visible, (100, 100))["overlap"] == 1


def test_toolkit_leaves_frames_without_annotation_out_of_both_counts(straight, score):
    truth = straight(4)
    truth[2] = np.nan
    predicted = straight(4)
    predicted[3] = [900, 900, 5, 5]
    scores = score(TOOLKIT, predicted, truth, [True, True, False, True])
    assert scores["success_auc"] == pytest.approx(20 / 21 * 2 / 3)
    assert scores["precision_at_20"] == pytest.approx(2 / 3)


def test_toolkit_ignores_flags_and_mends_no_prediction(straight, score):
    truth = straight(4)
    assert score(TOOLKIT, truth, truth, [True, False, False, True])["precision_at_20"] == 1
    predicted = truth.copy()
    predicted[2, 2:] = 0
    assert score(TOOLKIT, predicted, truth)["success_auc"] == pytest.approx(20 / 21 * 3 / 4)


def test_toolkit_reads_normalised_precision_as_an_area(straight, score):
    truth = straight(2)
    moved = truth + np.array([[0, 0, 0, 0], [2.95, 0, 0, 0]])
    # 0.295 widths is within 21 of the 51 thresholds
    assert score(TOOLKIT, moved, truth)["norm_precision_auc"] == pytest.approx((1 + 21 / 51) / 2)
