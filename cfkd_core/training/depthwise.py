"""Depthwise convolutions with a stride, in mixed precision on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


@contextmanager
def float32_gradients(module: nn.Module) -> Iterator[None]:
    """Let strided depthwise convolutions that run in the context compute gradients in float32.

    oneDNN has no bfloat16 kernel for them: with 16 maps of 96 channels and 80 px the backward pass
    takes 71 ms where float32 takes 11 (AMD EPYC, one core). The forward pass stays in bfloat16.
    Changes nothing without autocast, or on a GPU.
    """
    layers = [each for each in module.modules() if _is_strided_depthwise(each)]
    for layer in layers:
        layer.__class__ = _StridedDepthwise
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = nn.Conv2d


def _is_strided_depthwise(layer: nn.Module) -> bool:
    return type(layer) is nn.Conv2d and layer.groups > 1 and max(layer.stride) > 1


class _StridedDepthwise(nn.Conv2d):
    def forward(self, input: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c y x"]:
        if not torch.is_autocast_enabled("cpu") or input.device.type != "cpu":
            return super().forward(input)
        precision = torch.get_autocast_dtype("cpu")
        return _Convolution.apply(
            input.to(precision), self.weight.to(precision), self.stride, self.padding, self.groups
        )


class _Convolution(torch.autograd.Function):
    """A convolution without bias, its gradients computed in float32."""

    @staticmethod
    def forward(context: Any, maps: Tensor, weight: Tensor, *shape: Any) -> Tensor:
        context.save_for_backward(maps, weight)
        context.shape = shape
        stride, padding, groups = shape
        return functional.conv2d(maps, weight, None, stride, padding, groups=groups)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = context.saved_tensors
        stride, padding, groups = context.shape
        wanted = [*context.needs_input_grad[:2], False]
        of_maps, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient.float(), maps.float(), weight.float(), None,
            stride, padding, (1, 1), False, (0, 0), groups, wanted,
        )  # fmt: skip
        found = (None if each is None else each.to(maps.dtype) for each in (of_maps, of_weight))
        return (*found, None, None, None)
