"""What a network costs: parameters, bytes, multiplications, milliseconds.

Everything is read from the modules themselves, while they run.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import nn

from cfkd_core._compat import torchvision
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import Backbone, BasicBlock, Bottleneck, residual_stage

BYTES_PER_PARAMETER = 4
"""All networks compute in float32."""

# A young process returns each large map to the system and faults it in again: 4,000 page faults
# and 7 ms for one pass of the student. glibc keeps such blocks once it has seen one this large
# freed, as any program that has run for a while has.
_SETTLING_BYTES = 31 * 2**20


@dataclass(frozen=True)
class LayerCost:
    """One convolution or linear layer, as it ran.

    Attributes:
        name: path of the module inside the network.
        kernel: weights that look at one channel of the input, S_K squared; 1 for a linear layer.
        inputs: channels, D_F.
        outputs: channels, D_G.
        groups: parts of the channels that do not see each other; `inputs` for a depthwise layer.
        input_positions: cells of the input map, S_F squared; rows for a linear layer.
        output_positions: cells of the output map, S_G squared; rows for a linear layer.
    """

    name: str
    kernel: int
    inputs: int
    outputs: int
    groups: int
    input_positions: int
    output_positions: int
    parameters: int

    @property
    def _multiplications_per_position(self) -> int:
        return self.kernel * self.inputs // self.groups * self.outputs

    @property
    def macs(self) -> int:
        """Multiplications with accumulation: one for each weight and each place it is applied."""
        return self._multiplications_per_position * self.output_positions

    @property
    def bytes(self) -> int:
        """What must be read and written at the least: both maps and the weights, in float32."""
        maps = self.inputs * self.input_positions + self.outputs * self.output_positions
        return (maps + self.parameters) * BYTES_PER_PARAMETER

    @property
    def eq_4_5(self) -> int:
        """The thesis's count, with the size of the input map, and one more for each output.

        Source: thesis eq. 4.5, p. 37.
        Differs: divided by the groups, which the equation leaves out; the thesis's 0.33 billion for
            MobileNetV2 are reproduced only so (The original, exactly, section 7.3).
        """
        return (
            self._multiplications_per_position * self.input_positions
            + self.output_positions * self.outputs
        )

    @property
    def eq_4_5_output(self) -> int:
        """The same with the size of the output map, where the kernel is in fact applied."""
        return self.macs + self.output_positions * self.outputs


def layer_costs(net: nn.Module, *inputs: Any) -> tuple[LayerCost, ...]:
    """Costs of the convolutions and linear layers that `net(*inputs)` runs, in their order."""
    return tuple(cost for cost, _, _ in _watch(net, *inputs))


def layer_seconds(net: nn.Module, *inputs: Any, runs: int = 9) -> tuple[float, ...]:
    """Time of each layer of `layer_costs`, run by itself on what it was given, on one thread."""
    return tuple(
        latency(partial(layer, features), runs=runs) for _, layer, features in _watch(net, *inputs)
    )


def _watch(net: nn.Module, *inputs: Any) -> list[tuple[LayerCost, nn.Module, torch.Tensor]]:
    """Each convolution and linear layer that runs: its cost, itself, and what it was given."""
    seen: list[tuple[LayerCost, nn.Module, torch.Tensor]] = []
    names = {module: name for name, module in net.named_modules()}

    def record(layer: nn.Conv2d | nn.Linear, arguments: tuple, output: torch.Tensor) -> None:
        cost = _layer_cost(names[layer], layer, arguments[0], output)
        seen.append((cost, layer, arguments[0]))

    layers = [module for module in names if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        _run_quietly(net, *inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _layer_cost(
    name: str, layer: nn.Conv2d | nn.Linear, features: torch.Tensor, output: torch.Tensor
) -> LayerCost:
    size = parameters(layer)
    if isinstance(layer, nn.Conv2d):
        kernel = layer.kernel_size[0] * layer.kernel_size[1]
        before, after = (len(x) * x.shape[2] * x.shape[3] for x in (features, output))
        inputs, outputs, groups = layer.in_channels, layer.out_channels, layer.groups
        return LayerCost(name, kernel, inputs, outputs, groups, before, after, size)
    rows = features[..., 0].numel()
    return LayerCost(name, 1, layer.in_features, layer.out_features, 1, rows, rows, size)


def _run_quietly(net: nn.Module, *inputs: Any) -> None:
    """One forward pass in `eval` mode, which leaves the mode and the statistics as they were."""
    training = net.training
    net.eval()
    try:
        with torch.inference_mode():
            net(*inputs)
    finally:
        net.train(training)


def by_part(costs: Iterable[LayerCost]) -> dict[str, list[LayerCost]]:
    """Costs grouped by the first word of the layers' names: the blocks of a backbone."""
    parts: dict[str, list[LayerCost]] = {}
    for cost in costs:
        parts.setdefault(cost.name.partition(".")[0], []).append(cost)
    return parts


def parameters(net: nn.Module) -> int:
    """Numbers that training can change."""
    return sum(parameter.numel() for parameter in net.parameters())


def megabytes(net: nn.Module) -> float:
    """Size of the parameters in float32, in units of 10^6 bytes."""
    return parameters(net) * BYTES_PER_PARAMETER / 1e6


def by_module(net: AtomNet, size: int = 288, proposals: int = 10) -> pd.DataFrame:
    """What each module costs, a row each, and their sums: a search patch, a target, some boxes.

    Args:
        size: side of the patches, px.
        proposals: boxes that the head judges once.

    Returns:
        Columns parameters, MB, and millions of multiplications: MACs, and thesis eq. 4.5 with the
        size of the input map as it is printed, and with that of the output map.
    """
    patch = torch.zeros(1, 3, size, size)
    parts: dict[str, nn.Module] = {"backbone": net.backbone}
    costs = {"backbone": layer_costs(net.backbone, patch)}
    if net.iou_head is not None:
        with torch.inference_mode():
            pyramid = net.backbone(patch)
        box = torch.tensor([[0.4, 0.4, 0.2, 0.2]]) * size
        boxes = box[:, None].repeat(1, proposals, 1)
        parts["head"] = net.iou_head
        costs["head"] = layer_costs(net.iou_head, pyramid, box, pyramid, boxes)
    rows = {}
    for part, module in parts.items():
        for name, layers in by_part(costs[part]).items():
            rows[f"{part}.{name}"] = _row(getattr(module, name), layers)
        rows[part] = _row(module, costs[part])
    if net.iou_head is not None:
        rows["together"] = _row(net, costs["backbone"] + costs["head"])
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("module")


def _row(module: nn.Module, layers: Iterable[LayerCost]) -> dict[str, int | float]:
    layers = list(layers)
    return {
        "parameters": parameters(module),
        "MB": megabytes(module),
        "M MACs": sum(layer.macs for layer in layers) / 1e6,
        "M eq. 4.5": sum(layer.eq_4_5 for layer in layers) / 1e6,
        "M eq. 4.5, output": sum(layer.eq_4_5_output for layer in layers) / 1e6,
    }


def dead_tail(backbone: Backbone) -> nn.Module:
    """The layers behind block 4, which the original checkpoints carry and no tracker runs.

    Source: The original, exactly, sections 1.1 and 2.1: ResNet's layer4 and classifier,
        MobileNetV2's features from the first after block 4 and its classifier.
    """
    if backbone.name.startswith("mobilenet"):
        full = torchvision.models.mobilenet_v2()
        used = 1 + sum(len(block) for block in (backbone.block2, backbone.block3, backbone.block4))
        return nn.Sequential(full.features[used:], full.classifier)
    block: Any = type(backbone.block4[0])  # torchvision does not say what its classes have
    depth = {BasicBlock: 2, Bottleneck: 3}[block]
    width = 2 * backbone.channels[3] // block.expansion
    stage = residual_stage(block, backbone.channels[3], width, depth, stride=2)
    return nn.Sequential(stage, nn.Linear(width * block.expansion, 1000))


class _ByteCounter:
    """A file that remembers only how long it is."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, content: bytes | memoryview) -> int:
        self.bytes += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits to be written."""


def checkpoint_bytes(saved: nn.Module, trained: nn.Module | None) -> int:
    """Size of the file that a training run leaves: the network, and Adam's two moments.

    Args:
        saved: every module whose weights are in the file.
        trained: the module whose parameters Adam has moved; None leaves the optimiser out.
    """
    content: dict[str, Any] = {"net": saved.state_dict()}
    if trained is not None:
        moments = [
            {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": p.detach().clone(),
            }
            for p in trained.parameters()
        ]
        content["optimizer"] = dict(enumerate(moments))
    counter = _ByteCounter()
    torch.save(content, counter)  # type: ignore[arg-type]  # it asks for no more than this has
    return counter.bytes


def latency(call: Callable[[], object], runs: int = 20, warm_up: int = 3) -> float:
    """Median seconds that one thread computes for a call, after `warm_up` calls not counted.

    This is the thread's processor time, so what else the machine does meanwhile is left out; on a
    free core it is the time on the wall.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.empty(_SETTLING_BYTES, dtype=torch.uint8)  # freed at once
    try:
        with torch.inference_mode():
            for _ in range(warm_up):
                call()
            return median(_seconds(call) for _ in range(runs))
    finally:
        torch.set_num_threads(before)


def _seconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start
