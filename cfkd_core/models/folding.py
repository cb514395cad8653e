"""Networks for inference: the same answers from fewer operations."""

import copy
from itertools import pairwise
from typing import TypeVar, cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

Net = TypeVar("Net", bound=nn.Module)


def fold(net: Net) -> Net:
    """A copy for inference: BatchNorm inside the layers before it, and the channels last in memory.

    In evaluation mode BatchNorm multiplies and adds what training has settled, so that the layer
    before it can do both. The copy cannot be trained or saved in place of the original: it has
    other parameters.

    Args:
        net: a network or a part of one, in evaluation mode; not changed, and later changes to it
            are not seen.

    Raises:
        ValueError: if it is in training mode, where BatchNorm depends on the batch.
    """
    if net.training:
        raise ValueError("this network is in training mode; call its eval() before folding it")
    folded = copy.deepcopy(net).requires_grad_(False)
    for module in folded.modules():
        _fold_children(module)
    return channels_last(folded)


def fold_linear(layer: nn.Sequential) -> nn.Linear:
    """`fold` of a layer that begins with a linear one: that one, with the BatchNorm after it."""
    return cast(nn.Linear, fold(layer)[0])


def channels_last(net: Net) -> Net:
    """`net` itself, its parameters now with the channels last in memory."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub


def _fold_children(parent: nn.Module) -> None:
    """Folds each BatchNorm into the layer registered just before it, which is the one it follows.

    That holds for `nn.Sequential` by definition, and for torchvision's blocks by their making.
    """
    for (first, layer), (second, norm) in pairwise(list(parent.named_children())):
        if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(parent, first, fuse_conv_bn_eval(layer, norm))
        elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
            setattr(parent, first, fuse_linear_bn_eval(layer, norm))
        else:
            continue
        setattr(parent, second, nn.Identity())
