"""Bins of two maps at once, against those of one map and axis, and autograd through them."""

import numpy as np
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


def made_bins():
    return Bins(LEVELS, np.dtype(np.float64))


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
    bins = made_bins()
    found = bins.split(bins.place(ends(BOXES).numpy(), FIRSTS, CELLS).weights)
    for each, expected in zip(found, by_definition(BOXES), strict=True):
        np.testing.assert_allclose(each, expected, atol=1e-12)


def test_slopes_are_those_of_autograd():
    bins, free = made_bins(), BOXES.clone().requires_grad_()
    placed = bins.place(ends(BOXES).numpy(), FIRSTS, CELLS)
    gradient = np.random.default_rng(0).normal(size=placed.weights.shape)
    parts = zip(map(torch.from_numpy, bins.split(gradient)), by_definition(free), strict=True)
    (expected,) = torch.autograd.grad(sum((part * each).sum() for part, each in parts), free)
    assert (expected[:3] != 0).all()
    np.testing.assert_allclose(bins.slope(placed, gradient), expected, atol=1e-12)


def test_a_box_of_no_width_has_no_weights():
    weights = made_bins().place(ends(BOXES).numpy(), FIRSTS, CELLS).weights
    assert (weights[0, 3:] == 0).all()
    assert (weights[1, 3] != 0).any()
