import numpy as np
import pytest
import torch

from cfkd_core import boxes
from cfkd_core.tracking.refine import Ascent, RefineOptions, ascend, jitter, select, steadied

BOX = torch.tensor([100.0, 110.0, 60.0, 40.0])
TRUE = torch.tensor([108.0, 104.0, 52.0, 47.0])


def predict(proposals):
    """2 IoU - 1 with `TRUE` itself: what a trained head approximates."""
    return 2 * boxes.iou(proposals, TRUE.expand_as(proposals)) - 1


def generator():
    return torch.Generator().manual_seed(0)


def test_jitter_keeps_the_box_and_draws_around_it():
    options = RefineOptions(proposals=2001)
    box = BOX.numpy()
    drawn = jitter(box, options, generator())
    assert np.array_equal(drawn[0], box)
    side = 2400**0.5
    offsets = boxes.centre(drawn[1:]) - boxes.centre(box)
    assert np.abs(offsets).max() <= 0.05 * side + 1e-4
    assert np.abs(drawn[1:, 2:] - box[2:]).max() <= 0.25 * side + 1e-4
    assert np.abs(offsets).max() > 0.045 * side  # the whole range is used


def test_jitter_leaves_no_sliver():
    drawn = jitter(np.array([0.0, 0, 90, 3]), RefineOptions(proposals=500), generator())
    assert drawn[:, 2:].min() >= 1


def test_ascent_climbs_the_true_overlap():
    options = RefineOptions(steps=30, step_length=0.3)
    proposals = jitter(BOX.numpy(), options, generator())
    ascent = ascend(predict, torch.from_numpy(proposals), options)
    assert ascent.path.shape == (31, 10, 4)
    assert ascent.iou.shape == (30, 10)
    before, after = (boxes.iou(points, TRUE).mean() for points in (ascent.path[0], ascent.path[-1]))
    assert after > before + 0.15


def test_one_step_by_hand():
    """The step is the gradient times the sides: (w, h, w, h)."""
    options = RefineOptions(steps=1)
    ascent = ascend(predict, BOX[None], options)
    free = BOX.clone().requires_grad_()
    (slope,) = torch.autograd.grad(predict(free[None])[0], free)
    expected = BOX + slope * torch.tensor([60.0, 40, 60, 40])
    torch.testing.assert_close(ascent.path[1, 0], expected)


def test_select_averages_the_best_three():
    path = torch.tensor([[[0.0, 0, 10, 10], [3, 0, 10, 10], [6, 0, 10, 13], [500, 0, 10, 10]]])
    iou = torch.tensor([[0.5, 0.6, 0.7, -0.9]])
    found = select(Ascent(path.repeat(2, 1, 1), iou), RefineOptions())
    np.testing.assert_allclose(found, [3, 0, 10, 11])


def test_select_drops_slivers_and_knows_when_none_is_left():
    path = torch.tensor([[[0.0, 0, 70, 10], [3, 0, 10, 10]]]).repeat(2, 1, 1)
    iou = torch.tensor([[0.9, 0.1]])
    np.testing.assert_allclose(select(Ascent(path, iou), RefineOptions()), [3, 0, 10, 10])
    assert select(Ascent(path[:, :1], iou[:, :1]), RefineOptions()) is None


@pytest.mark.parametrize("side", [-5.0, 0.0])
def test_select_survives_a_collapsed_box(side):
    path = torch.tensor([[[0.0, 0, side, 3]]]).repeat(2, 1, 1)
    np.testing.assert_allclose(
        select(Ascent(path, torch.ones(1, 1)), RefineOptions()), [0, 0, 1, 3]
    )


def test_atom_believes_the_head_at_once():
    size, last, first = np.array([30.0, 50]), np.array([20.0, 60]), np.array([25.0, 25])
    np.testing.assert_allclose(steadied(size, last, first, RefineOptions()), size)


def test_a_steadied_size_by_hand():
    """Twice as wide as at first: its area has gained log 2 / 2, its ratio as much."""
    first = np.array([10.0, 10])
    last = np.array([20.0, 10])
    options = RefineOptions(size_rate=0.5, size_pull=0.2, aspect_pull=0.4)
    half = np.log(2) / 2
    grown = [np.log(20) - 0.2 * half - 0.4 * half, np.log(10) - 0.2 * half + 0.4 * half]
    np.testing.assert_allclose(steadied(last, last, first, options), np.exp(grown))
    # and the head's answer counts half
    bigger = steadied(4 * last, last, first, options)
    np.testing.assert_allclose(bigger, 2 * np.exp(grown))


def test_a_head_that_errs_again_and_again_is_held_back():
    """Ten per cent too much in every frame: without a pull the box would grow for ever."""
    size = first = np.array([40.0, 20.0])
    options = RefineOptions(size_rate=0.2, size_pull=0.1, aspect_pull=0.1)
    for _ in range(500):
        size = steadied(1.1 * size, size, first, options)
    np.testing.assert_allclose(size, first * 1.1**2, rtol=1e-6)
