"""The slope by hand against autograd through the head: the same boxes, the same way up."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cfkd_core import paths
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.tensor_file import read_metadata
from cfkd_core.models.weights import import_pytracking, load
from cfkd_core.tracking.climber import Climber
from cfkd_core.tracking.refine import RefineOptions, ascend, jitter

OPTIONS = RefineOptions()

TRAINED = [
    path
    for path in sorted(paths.WEIGHTS.glob("*.safetensors"))
    if read_metadata(path).get("head") == "iou"
]
"""The networks with an IoU head that ship."""


def made_head(width):
    """A head whose BatchNorm has seen something: fresh statistics would hide a wrong folding."""
    torch.manual_seed(width)
    head = IoUHead(8, 16, width)
    for module in head.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.bias)
    return head.eval().requires_grad_(False)


def made_case(width, cells=18):
    """A head, a target, and features of a search patch of 16 px for each of `cells`."""
    head, generator = made_head(width), torch.Generator().manual_seed(1)
    modulation = Modulation(*torch.rand(2, 1, width, generator=generator).unbind())
    maps = (torch.randn(1, width, s, s, generator=generator).relu() for s in (2 * cells, cells))
    return head, modulation, SearchFeatures(*maps)


def by_autograd(head, modulation, features, proposals, options=OPTIONS):
    return ascend(
        lambda moved: head.predict(features, modulation, moved[None])[0], proposals, options
    )


def by_hand(head, modulation, features, proposals, options=OPTIONS):
    return Climber(head, modulation).climb(features, proposals.numpy(), options)


def proposals_around(*box):
    drawn = jitter(np.array(box, np.float32), OPTIONS, torch.Generator().manual_seed(0))
    return torch.from_numpy(drawn)


@pytest.mark.parametrize("width", [32, 64, 256])
@pytest.mark.parametrize(
    "box",
    [
        (115.0, 120.0, 58.0, 58.0),  # where a target mostly is
        (90.0, 130.0, 140.0, 24.0),  # long and flat
        (-40.0, 230.0, 80.0, 120.0),  # half outside
        (-50.0, -30.0, 400.0, 380.0),  # larger than the patch
    ],
)
def test_boxes_climb_as_autograd_has_them_climb(width, box):
    case = made_case(width)
    expected = by_autograd(*case, proposals_around(*box))
    found = by_hand(*case, proposals_around(*box))
    assert (expected.path[-1] - expected.path[0]).abs().max() > 0.1  # there is a way up
    torch.testing.assert_close(found.path, expected.path, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.iou, expected.iou, atol=1e-4, rtol=1e-5)


def in_double(head, modulation, features):
    return (
        head.double(),
        Modulation(*(vector.double() for vector in modulation)),
        SearchFeatures(*(maps.double() for maps in features)),
    )


def test_the_slope_is_exact():
    head, modulation, features = in_double(*made_case(32, cells=14))
    free = proposals_around(80.0, 70.0, 45.0, 60.0).double().requires_grad_()
    iou = head.predict(features, modulation, free[None])[0]
    (slope,) = torch.autograd.grad(iou.sum(), free)
    judge = Climber(head, modulation).judge(features)
    found_iou, found_slope = judge(free.detach().numpy())
    np.testing.assert_allclose(found_iou, iou.detach(), atol=1e-10, rtol=1e-10)
    np.testing.assert_allclose(found_slope, slope, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(
    "box",
    [
        (100.0, 100.0, 0.0, 0.0),  # no area: pools to 0, has no slope, stays
        (100.0, 100.0, 0.0, 40.0),
        (100.0, 100.0, -20.0, 40.0),  # turned inside out by a step too long
        (100.0, 100.0, 1e-3, 1e-3),  # smaller than a cell
        (-500.0, -400.0, 60.0, 50.0),  # left of and above the patch
        (900.0, 700.0, 60.0, 50.0),  # right of and below it
        (-500.0, 100.0, 60.0, 50.0),
        (96.0, 80.0, 64.0, 48.0),  # edges on the middle of cells, where the hat has its kink
        (-1e6, -1e6, 3e6, 2e6),
        (1e30, 0.0, 10.0, 10.0),
    ],
)
@pytest.mark.parametrize("company", [False, True])
def test_a_degenerate_box_does_what_it_does_by_autograd(box, company):
    case = in_double(*made_case(64))
    places = torch.tensor([box]).double()
    if company:
        places = torch.cat([places, proposals_around(115.0, 120.0, 58.0, 58.0).double()])
    expected, found = by_autograd(*case, places), by_hand(*case, places)
    torch.testing.assert_close(found.path, expected.path, atol=1e-4, rtol=1e-6)
    torch.testing.assert_close(found.iou, expected.iou, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("fault", [torch.nan, torch.inf, -torch.inf])
def test_a_box_that_is_no_box_harms_no_other(fault):
    case = made_case(64)
    places = proposals_around(115.0, 120.0, 58.0, 58.0)
    broken = torch.cat([places, torch.tensor([[100.0, fault, 40.0, 40.0]])])
    alone, beside = by_hand(*case, places), by_hand(*case, broken)
    torch.testing.assert_close(beside.path[:, :-1], alone.path, atol=1e-4, rtol=0)


def test_folding_leaves_the_head_as_it_was():
    head, modulation, _ = made_case(32)
    before = copy.deepcopy(head.state_dict())
    climber = Climber(head, modulation)
    for path in climber.paths:
        path.weights[:] = 0
    for name, tensor in head.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.fixture
def pair(shared):
    """Two patches as the author's code cut them, and boxes in them."""
    stored = np.load(shared / "oracles" / "atom" / "matom_random_io.npz")
    images = torch.from_numpy(stored["images"]).permute(0, 3, 1, 2).double() / 255
    target_box, proposals = (stored[key][:1] for key in ("target_box", "proposals"))
    return images[:1], torch.from_numpy(target_box), images[2:3], torch.from_numpy(proposals[0])


@torch.no_grad()
def climb_both_ways(net, pair):
    """The two ascents of a whole network, autograd's first."""
    target, target_box, search, proposals = (tensor.to(next(net.parameters())) for tensor in pair)
    modulation = net.iou_head.modulation(net.backbone(target), target_box)
    features = net.iou_head.search_features(net.backbone(search))
    case = net.iou_head, modulation, features, proposals
    return by_autograd(*case), by_hand(*case)


def test_the_authors_student_climbs_as_by_autograd(shared, pair):
    """In double precision: with its random weights every step is longer than the boxes."""
    net = import_pytracking(shared / "oracles" / "atom" / "matom_random_state.pth").double()
    expected, found = climb_both_ways(net, pair)
    torch.testing.assert_close(found.path, expected.path, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.iou, expected.iou, atol=1e-6, rtol=0)


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.stem)
def test_trained_heads_climb_as_by_autograd(path, pair):
    expected, found = climb_both_ways(load(path), pair)
    torch.testing.assert_close(found.path, expected.path, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.iou, expected.iou, atol=1e-4, rtol=0)
