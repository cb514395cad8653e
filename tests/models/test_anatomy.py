"""Diagrams are drawn from these records, so they must say what the modules do."""

import torch
from torch import nn

from cfkd_core.models import anatomy
from cfkd_core.models.anatomy import Layer, Step, Unit
from cfkd_core.models.backbones import build_backbone


def test_an_inverted_residual_block_step_by_step():
    """The first of block 3: 24 channels, widened six times, to 32 at half the size."""
    block = build_backbone("mobilenet_v2").block3[0]
    maps = torch.rand(1, 24, 16, 16)
    assert anatomy.steps(block, maps) == [
        Step("pointwise", 1, 1, (24, 16, 16), (144, 16, 16), "ReLU6"),
        Step("depthwise", 3, 2, (144, 16, 16), (144, 8, 8), "ReLU6"),
        Step("pointwise", 1, 1, (144, 8, 8), (32, 8, 8), "linear"),
    ]
    (unit,) = anatomy.units(block, maps)
    assert unit == Unit("InvertedResidual", (24, 16, 16), (32, 8, 8), inner=144, shortcut=False)
    assert (unit.expansion, unit.stride) == (6, 2)


def test_a_residual_block_has_a_shortcut_and_ends_in_a_relu():
    block = build_backbone("resnet18").block3[1]
    maps = torch.rand(1, 128, 8, 8)
    assert [step.activation for step in anatomy.steps(block, maps)] == ["ReLU", "ReLU"]
    (unit,) = anatomy.units(block, maps)
    assert unit.shortcut
    assert unit.stride == 1


def test_a_stem_is_one_unit_and_pooling_another():
    net = build_backbone("resnet18_t")
    (stem,) = anatomy.units(net.block1, torch.rand(1, 3, 32, 32))
    assert (stem.kind, stem.after) == ("Conv2d", (8, 16, 16))
    kinds = [unit.kind for unit in anatomy.units(net.block2, torch.rand(1, 8, 16, 16))]
    assert kinds == ["MaxPool2d", "BasicBlock", "BasicBlock"]


def test_watching_leaves_the_network_as_it_was():
    net = build_backbone("resnet18_t")
    anatomy.units(net, torch.rand(1, 3, 32, 32))
    assert net.training
    assert all(not module._forward_hooks for module in net.modules())


def test_the_layers_of_a_plain_network_and_nothing_else():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 10)
    )
    assert anatomy.layers(net, torch.rand(1, 1, 8, 8)) == [
        Layer("convolution", 5, (1, 8, 8), (6, 4, 4)),
        Layer("pooling", 2, (6, 4, 4), (6, 2, 2)),
        Layer("full", 0, (24, 1, 1), (10, 1, 1)),
    ]
