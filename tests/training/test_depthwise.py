"""Gradients of strided depthwise convolutions in float32, whatever the forward pass is in."""

import torch
from torch import nn

from cfkd_core.models.backbones import build_backbone
from cfkd_core.training.depthwise import float32_gradients


def gradients(layer, maps, upstream):
    maps = maps.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(maps)
    assert out.dtype == torch.bfloat16
    found = torch.autograd.grad(out, [maps, layer.weight], upstream)
    return out, *found


def test_values_are_those_of_bfloat16_and_gradients_are_as_close_to_float32():
    torch.manual_seed(0)
    layer = nn.Conv2d(6, 6, 3, 2, 1, groups=6, bias=False)
    maps = torch.randn(3, 6, 12, 12)
    upstream = torch.randn(3, 6, 6, 6)
    exact = torch.autograd.grad(layer(maps), layer.weight, upstream)[0]
    plain = gradients(layer, maps, upstream.bfloat16())
    with float32_gradients(layer):
        ours = gradients(layer, maps, upstream.bfloat16())
    assert torch.equal(ours[0], plain[0])
    for one, other in zip(ours[1:], plain[1:], strict=True):
        assert (one - other).norm() < 0.02 * other.norm()
    assert (ours[2] - exact).norm() <= (plain[2] - exact).norm() * 1.5


def test_only_strided_depthwise_layers_change_and_only_within_the_context():
    backbone = build_backbone("mobilenet_v2")
    before = [type(each) for each in backbone.modules()]
    with float32_gradients(backbone):
        changed = [
            each
            for each, kind in zip(backbone.modules(), before, strict=True)
            if type(each) is not kind
        ]
        assert [(each.groups, each.stride) for each in changed] == [
            (channels, (2, 2)) for channels in (96, 144, 192)
        ]
    assert [type(each) for each in backbone.modules()] == before
