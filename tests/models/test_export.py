"""Graphs that ONNX Runtime runs, against the networks they were read off."""

import numpy as np
import pytest
import torch
from torch import nn

from cfkd_core.models.atom import Architecture, AtomNet, build
from cfkd_core.models.backbones import BACKBONES, build_backbone
from cfkd_core.models.export import judge_graph, search_graph, target_graph
from cfkd_core.models.onnx_graph import Graph
from cfkd_core.models.pyramid import Pyramid

onnxruntime = pytest.importorskip("onnxruntime")

HEADS = [Architecture("mobilenet_v2", "iou", 8), Architecture("resnet18_t", "box", 6)]
SIZE = 96


def seasoned(net):
    """A network whose BatchNorm has seen something: fresh statistics would hide a wrong folding."""
    generator = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.copy_(0.3 * torch.randn(len(module.bias), generator=generator))
            module.running_var.copy_(0.5 + torch.rand(len(module.bias), generator=generator))
    return net.eval()


def run(model, **values):
    """The outputs of a graph by their names; torch in, torch out."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = {name: np.ascontiguousarray(value.detach().numpy()) for name, value in values.items()}
    found = session.run(None, given)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(torch.from_numpy, found), strict=True))


def drawn(*shape):
    """Patches of noise, uint8."""
    return torch.randint(256, (*shape, 3), dtype=torch.uint8)


def images(pixels):
    """What a backbone takes."""
    return pixels.permute(0, 3, 1, 2) / 255


def assert_near(found, expected):
    scale = float(expected.abs().max())
    torch.testing.assert_close(found, expected, atol=2e-5 * scale, rtol=0)


@pytest.mark.parametrize("name", BACKBONES)
@torch.no_grad()
def test_every_backbone_has_its_graph(name):
    torch.manual_seed(0)
    net = seasoned(AtomNet(build_backbone(name), None))
    pixels = drawn(2, 64, 96)  # any number of patches, of any size
    found = run(search_graph(net), pixels=pixels)
    assert list(found) == ["block4"]
    assert_near(found["block4"], net.backbone(images(pixels)).block4)


@pytest.mark.parametrize("architecture", HEADS, ids=lambda each: each.head)
@torch.no_grad()
def test_one_graph_gives_all_that_a_frame_needs(architecture):
    torch.manual_seed(0)
    net = seasoned(build(architecture))
    pixels = drawn(1, SIZE, SIZE)
    found = run(search_graph(net), pixels=pixels)
    pyramid = net.backbone(images(pixels))
    assert_near(found["block4"], pyramid.block4)
    for name, maps in net.iou_head.search_features(pyramid)._asdict().items():
        assert_near(found[name], maps.permute(0, 2, 3, 1))


@pytest.mark.parametrize("architecture", HEADS, ids=lambda each: each.head)
@torch.no_grad()
def test_the_target_has_its_graph(architecture):
    torch.manual_seed(0)
    net = seasoned(build(architecture))
    pixels, box = drawn(1, SIZE, SIZE), torch.tensor([[20.0, 30, 41, 33]])
    found = run(target_graph(net, SIZE), pixels=pixels, box=box)
    expected = net.iou_head.modulation(net.backbone(images(pixels)), box)
    assert_near(found["modulation3"], expected.level3)
    assert_near(found["modulation4"], expected.level4)


# Inside, across the border, far outside, a sliver, and nothing at all.
PROPOSALS = torch.tensor(
    [[20.0, 30, 41, 33], [-20, 60, 70, 50], [300, 300, 20, 20], [10, 10, 0.5, 80], [40, 40, 0, 9]]
)


def judged(architecture):
    """What a graph says of `PROPOSALS`, and what it was asked with."""
    torch.manual_seed(0)
    net = seasoned(build(architecture))
    blocks = Pyramid(
        *(
            torch.randn(1, c, SIZE // s, SIZE // s)
            for c, s in zip(net.backbone.channels, (2, 4, 8, 16), strict=True)
        )
    )
    features = net.iou_head.search_features(blocks)
    modulation = net.iou_head.modulation(blocks, torch.tensor([[20.0, 30, 41, 33]]))
    found = run(
        judge_graph(net, SIZE),
        level3=features.level3.permute(0, 2, 3, 1),
        level4=features.level4.permute(0, 2, 3, 1),
        modulation3=modulation.level3,
        modulation4=modulation.level4,
        proposals=PROPOSALS,
    )
    return found, net.iou_head, features, modulation


def test_the_graph_of_an_iou_head_knows_the_slope():
    found, head, features, modulation = judged(HEADS[0])
    proposals = PROPOSALS.clone().requires_grad_()
    iou = head.predict(features, modulation, proposals[None])[0]
    (slope,) = torch.autograd.grad(iou.sum(), proposals)
    assert_near(found["iou"], iou.detach())
    # where a box has no width, autograd divides by nothing and calls it 0
    assert_near(found["slope"], slope)
    assert slope[:2].abs().min() > 0


@torch.no_grad()
def test_the_graph_of_a_box_head_gives_offsets():
    found, head, features, modulation = judged(HEADS[1])
    assert list(found) == ["offsets"]
    assert_near(found["offsets"], head.predict(features, modulation, PROPOSALS[None])[0])


def test_what_cannot_be_translated_is_named():
    graph = Graph("test")
    images = graph.input("images", 1, 3, 8, 8)
    with pytest.raises(NotImplementedError, match="Sigmoid is not translated"):
        graph.run(nn.Sequential(nn.Sigmoid()), images)
    with pytest.raises(NotImplementedError, match="ceil_mode"):
        graph.run(nn.Sequential(nn.MaxPool2d(2, ceil_mode=True)), images)


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="training mode"):
        search_graph(build(HEADS[0]))
