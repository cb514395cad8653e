"""Bins of two maps at once, against those of one map and axis, and autograd through them."""

import torch

from cfkd_core import boxes, ops
from cfkd_core.tracking.bins import Bins, Level

LEVELS = (Level(5, 8), Level(3, 16))
FIRSTS, CELLS = [(2, 1), (0, 1)], 9

# between cells, on cells, beyond the map, of no width, turned inside out
BOXES = torch.tensor(
    [
        [20.3, 31.0, 40.2, 25.0],
        [16.0, 32.0, 48.0, 16.0],
        [-50.0, 60.0, 300.0, 30.0],
        [40.0, 40.0, 0.0, 20.0],
        [40.0, 40.0, -8.0, 0.6],
    ]
).double()


def ends(proposals):
    return boxes.to_xyxy(proposals).view(-1, 2, 2).permute(2, 0, 1)


def by_definition(proposals):
    """`ops.bin_weights` of each map and axis."""
    weights = []
    for (count, stride), first in zip(LEVELS, FIRSTS, strict=True):
        origin = torch.tensor(first).double()[:, None, None]
        low, high = (ends(proposals) / stride - origin).unbind(-1)
        weights.append(ops.bin_weights(low, high, count, CELLS))
    return weights


def test_weights_are_those_of_each_map():
    bins = Bins(LEVELS, BOXES)
    found = bins.split(bins.place(ends(BOXES), FIRSTS, CELLS).weights)
    for each, expected in zip(found, by_definition(BOXES), strict=True):
        torch.testing.assert_close(each, expected)


def test_slopes_are_those_of_autograd():
    bins, free = Bins(LEVELS, BOXES), BOXES.clone().requires_grad_()
    placed = bins.place(ends(BOXES), FIRSTS, CELLS)
    gradient = torch.randn(placed.weights.shape, generator=torch.Generator().manual_seed(0))
    gradient = gradient.double()
    parts = zip(bins.split(gradient), by_definition(free), strict=True)
    (expected,) = torch.autograd.grad(sum((part * each).sum() for part, each in parts), free)
    assert (expected[:3] != 0).all()
    torch.testing.assert_close(bins.slope(placed, gradient), expected)


def test_a_box_of_no_width_has_no_weights():
    bins = Bins(LEVELS, BOXES)
    weights = bins.place(ends(BOXES), FIRSTS, CELLS).weights
    assert (weights[0, 3:] == 0).all()
    assert (weights[1, 3] != 0).any()
