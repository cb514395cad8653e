import pytest
import torch

from cfkd_core.losses import iou


@pytest.fixture
def overlaps(student, teacher, batch):
    """A function: the three arguments of a term, with these overlaps in every pair."""

    def make(ours, theirs, truth):
        ours, theirs, truth = (torch.tensor([values] * 2) for values in (ours, theirs, truth))
        pair = student._replace(iou=ours), teacher._replace(iou=theirs)
        return *pair, batch._replace(proposal_iou=truth)

    return make


def test_smooth_l1_by_hand(overlaps):
    # differences of 0.5 and 2: (0.125 + 1.5) / 2
    values = overlaps([0.5, 1.0], [0.0, -1.0], [1.0, -1.0])
    assert iou.teacher_soft(*values) == pytest.approx(0.8125)
    assert iou.ground_truth(*values) == pytest.approx(0.8125)
    assert iou.teacher_soft_squared(*values) == pytest.approx((0.25 + 4) / 2)


@pytest.mark.parametrize("term", [iou.adaptive_hard, iou.adaptive_hard_squared])
@pytest.mark.parametrize(
    ("ours", "theirs", "on"),
    [
        (0.5, 0.5, True),  # as good as the teacher
        (0.1, 0.5, True),  # worse
        (0.5, 0.4999, True),  # better, by less than the threshold
        (0.5, 0.0, False),  # better
        (1.0, 0.0, False),  # right
    ],
)
def test_adaptive_hard_stops_when_the_student_is_better(term, ours, theirs, on, overlaps):
    student, teacher, batch = overlaps([ours], [theirs], [1.0])
    student.iou.requires_grad_()
    loss = term(student, teacher, batch)
    loss.backward()
    square = (1 - ours) ** 2
    expected = square / 2 if term is iou.adaptive_hard else square
    assert loss.item() == pytest.approx(expected if on else 0)
    assert student.iou.grad.any() == on


def test_adaptive_hard_has_one_switch_for_the_batch(overlaps):
    # worse on the first box, better by more on the second: on the whole better
    values = overlaps([0.5, 1.0], [1.0, -1.0], [1.0, 1.0])
    assert iou.adaptive_hard(*values) == 0
