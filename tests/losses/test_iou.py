import pytest
import torch

from cfkd_core import boxes
from cfkd_core.losses import iou
from cfkd_core.models.atom import DrnetOutput


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
    assert iou.ground_truth_squared(*values) == pytest.approx((0.25 + 4) / 2)
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


def test_adaptive_hard_per_proposal_has_a_switch_for_each(overlaps):
    # worse on the first box: it goes on teaching, by 0.5 ** 2 / 2 of one box in two
    values = overlaps([0.5, 1.0], [1.0, -1.0], [1.0, 1.0])
    assert iou.adaptive_hard_per_proposal(*values) == pytest.approx(0.0625)


@pytest.fixture
def offsets(student, teacher, batch):
    """A function: the three arguments of a term for DRNet, with the same offsets everywhere.

    The proposals are the target's box itself, so that the true offsets are 0.
    """

    def make(ours, theirs):
        pair = []
        for output, values in ((student, ours), (teacher, theirs)):
            shape = (*output.iou.shape, 4)
            pair.append(DrnetOutput(torch.tensor(values).expand(shape), *output[1:]))
        proposals = batch.search_box[:, None].expand(shape)
        return *pair, batch._replace(proposals=proposals)

    return make


def test_boxes_that_are_offset_are_judged_by_their_offsets(offsets):
    values = offsets([0.5, 0.0, 0.0, -1.0], [0.5, 0.0, 0.0, 1.0])
    assert iou.teacher_soft(*values) == pytest.approx(1.5 / 4)
    assert iou.ground_truth(*values) == pytest.approx((0.125 + 0.5) / 4)
    assert iou.ground_truth_squared(*values) == pytest.approx((0.25 + 1) / 4)
    # as far off as the teacher, who is off to the other side
    assert iou.adaptive_hard(*values) == pytest.approx((0.125 + 0.5) / 4)
    assert iou.adaptive_hard_per_proposal(*values) == pytest.approx((0.125 + 0.5) / 4)
    better = offsets([0.1, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 1.0])
    assert iou.adaptive_hard(*better) == 0
    assert iou.adaptive_hard_per_proposal(*better) == 0


def test_the_true_offsets_are_those_that_give_the_target(offsets):
    student, _, batch = offsets([0.0] * 4, [0.0] * 4)
    moved = batch._replace(proposals=batch.proposals + torch.tensor([3.0, -2.0, 4.0, 1.0]))
    truth = iou.truth(student, moved)
    found = boxes.decode_offsets(moved.proposals, truth)
    torch.testing.assert_close(found, batch.proposals.to(found))
    # moved by 3 and grown by 4 px, the centre is 5 px too far right
    torch.testing.assert_close(truth[0, 0, 0], torch.tensor(-5 / 19.0))
