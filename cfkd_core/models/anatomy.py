"""What a network is made of, read from its modules while they run: the source of its diagrams."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import BasicBlock, Bottleneck, InvertedResidual
from cfkd_core.models.iou_head import ProposalHead

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Step:
    """One convolution, as it ran.

    Attributes:
        kind: "convolution", "depthwise" (one kernel for each channel) or "pointwise" (1 x 1).
        before, after: channels, rows, columns of the maps.
        activation: what came next: "ReLU", "ReLU6", or "linear" for nothing.
    """

    kind: str
    kernel: int
    stride: int
    before: Shape
    after: Shape
    activation: str


@dataclass(frozen=True)
class Unit:
    """One building block of a backbone, as it ran.

    Attributes:
        kind: name of its class.
        inner: channels after its first convolution.
        shortcut: whether its input is added to its output.
    """

    kind: str
    before: Shape
    after: Shape
    inner: int
    shortcut: bool

    @property
    def stride(self) -> int:
        return self.before[1] // self.after[1]

    @property
    def expansion(self) -> int:
        """By how much it widens its input inside, t."""
        return self.inner // self.before[0]


@dataclass(frozen=True)
class Flow:
    """Shapes of what a whole network made of one pair of patches.

    Attributes:
        name: what its backbone is called.
        blocks: of blocks 1 to 4.
        vectors: numbers by which the head knows the target, one vector for block 3, one for 4.
        levels: of the head's search features.
        answer: proposals, and numbers for each if it is more than one.
    """

    name: str
    blocks: tuple[Shape, ...]
    vectors: tuple[int, ...]
    levels: tuple[Shape, ...]
    answer: tuple[int, ...]


def flow(
    name: str,
    net: AtomNet,
    target: Float[Tensor, "1 3 s s"],
    target_box: Float[Tensor, "1 4"],
    search: Float[Tensor, "1 3 s s"],
    proposals: Float[Tensor, "1 p 4"],
) -> Flow:
    """What `net` makes of one pair of patches, under a name for its backbone."""
    head = net.head_as(ProposalHead)
    with torch.inference_mode():
        vectors = head.modulation(net.backbone(target), target_box)
        blocks = net.backbone(search)
        levels = head.search_features(blocks)
        answer = head.predict(levels, vectors, proposals)
    return Flow(
        name,
        tuple(_shape(block) for block in blocks),
        tuple(len(vector[0]) for vector in vectors),
        tuple(_shape(level) for level in levels),
        tuple(answer.shape[1:]),
    )


@dataclass(frozen=True)
class Layer:
    """One layer of a plain network, as it ran.

    Attributes:
        kind: "convolution", "pooling" or "full".
        kernel: side of what an output sees of its input; 0 for a full layer, which sees it all.
        before, after: channels, rows, columns of the maps; a vector is maps of one cell.
    """

    kind: str
    kernel: int
    before: Shape
    after: Shape


def layers(net: nn.Module, inputs: torch.Tensor) -> list[Layer]:
    """The convolutions, poolings and full layers of `net(inputs)`, in their order."""
    kinds = {nn.Conv2d: "convolution", nn.MaxPool2d: "pooling", nn.AvgPool2d: "pooling"}
    kinds[nn.Linear] = "full"
    found: list[Layer] = []

    def record(layer: nn.Module, arguments: tuple, output: torch.Tensor) -> None:
        kernel = getattr(layer, "kernel_size", 0)
        kernel = kernel[0] if isinstance(kernel, tuple) else kernel
        found.append(Layer(kinds[type(layer)], kernel, _shape(arguments[0]), _shape(output)))

    _run_with_hooks(net, inputs, record, tuple(kinds))
    return found


def steps(block: nn.Module, inputs: torch.Tensor) -> list[Step]:
    """The convolutions of `block(inputs)`, in their order."""
    found: list[dict] = []

    def record(layer: nn.Module, arguments: tuple, output: torch.Tensor) -> None:
        if isinstance(layer, nn.Conv2d):
            found.append(_convolution(layer, _shape(arguments[0]), _shape(output)))
        elif found:
            found[-1]["activation"] = type(layer).__name__

    _run_with_hooks(block, inputs, record, (nn.Conv2d, nn.ReLU, nn.ReLU6))
    return [Step(**step) for step in found]


def _convolution(layer: nn.Conv2d, before: Shape, after: Shape) -> dict:
    kernel = layer.kernel_size[0]
    kind = "pointwise" if kernel == 1 else "convolution"
    if layer.groups == layer.in_channels > 1:
        kind = "depthwise"
    return {
        "kind": kind,
        "kernel": kernel,
        "stride": layer.stride[0],
        "before": before,
        "after": after,
        "activation": "linear",
    }


def units(block: nn.Module, inputs: torch.Tensor) -> list[Unit]:
    """The building blocks of `block(inputs)`, in their order; a stem counts as one."""
    found: list[Unit] = []
    kinds = (BasicBlock, Bottleneck, InvertedResidual, nn.MaxPool2d)

    def record(layer: nn.Module, arguments: tuple, output: torch.Tensor) -> None:
        found.append(_unit(layer, _shape(arguments[0]), _shape(output)))

    _run_with_hooks(block, inputs, record, kinds)
    if not found:
        _run_with_hooks(block, inputs, record, (nn.Conv2d,))
    return found


def _unit(layer: nn.Module, before: Shape, after: Shape) -> Unit:
    convolutions = [module for module in layer.modules() if isinstance(module, nn.Conv2d)]
    inner = convolutions[0].out_channels if convolutions else before[0]
    residual = isinstance(layer, BasicBlock | Bottleneck)
    shortcut = residual or getattr(layer, "use_res_connect", False)
    return Unit(type(layer).__name__, before, after, inner, shortcut)


def _run_with_hooks(block: nn.Module, inputs: torch.Tensor, record, kinds: tuple) -> None:
    """One pass in `eval` mode that calls `record` after each module of `kinds`."""
    training = block.training
    hooks = [m.register_forward_hook(record) for m in block.modules() if isinstance(m, kinds)]
    block.eval()
    try:
        with torch.inference_mode():
            block(inputs)
    finally:
        block.train(training)
        for hook in hooks:
            hook.remove()


def _shape(maps: torch.Tensor) -> Shape:
    channels, *cells = maps.shape[1:]
    rows, columns = cells or (1, 1)
    return channels, rows, columns
