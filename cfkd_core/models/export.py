"""A network as ONNX graphs, one for each time at which a tracker asks it something.

Once a target: `target_graph`. Once a frame: `search_graph`. As often as boxes are judged:
`judge_graph`, which gives the slope of the predicted IoU as well, so that whoever runs it can climb
without automatic differentiation.

Patches go in as they are, `pixels` in uint8, RGB, "b h w 3": the first layer has the normalisation
in its weights. What boxes are pooled from has its channels last, too, as pooling wants them.
"""

import copy
from typing import NamedTuple

import numpy as np
import onnx
from torch import nn

from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import Backbone
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.folding import fold, fold_linear
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.models.onnx_graph import Graph
from cfkd_core.models.onnx_pooling import Bins, Pooling, bins, pool, pull_back
from cfkd_core.models.pyramid import STRIDES

_STRIDE3, _STRIDE4 = STRIDES[2], STRIDES[3]

_LEVELS = 255  # grey levels above black


def search_graph(net: AtomNet) -> onnx.ModelProto:
    """`pixels` of any size -> `block4` and, with a head, its search features `level3`, `level4`.

    Args:
        net: in evaluation mode.
    """
    folded = fold(net)
    graph = Graph("search")
    pixels = graph.input("pixels", "b", "h", "w", 3, dtype=np.uint8)
    block3, block4 = _last_blocks(graph, folded.backbone, pixels)
    graph.output(block4, "block4", "b", folded.backbone.channels[3], "h4", "w4")
    head = folded.iou_head
    if head is not None:
        level3 = _channels_last(graph, graph.run(head.search_conv3, block3))
        level4 = _channels_last(graph, graph.run(head.search_conv4, block4))
        graph.output(level3, "level3", "b", "h3", "w3", head.width)
        graph.output(level4, "level4", "b", "h4", "w4", head.width)
    return graph.model()


def target_graph(net: AtomNet, size: int) -> onnx.ModelProto:
    """`pixels`, `box` -> `modulation3`, `modulation4`: what the head makes of a target.

    Args:
        net: with a head, in evaluation mode.
        size: side of the patch, px; one image, with the target's box (x, y, w, h) in its px.
    """
    folded = fold(net)
    head = folded.head_as(ProposalHead)
    graph = Graph("target")
    pixels = graph.input("pixels", 1, size, size, 3, dtype=np.uint8)
    block3, block4 = _last_blocks(graph, folded.backbone, pixels)
    box = graph.input("box", 1, 4)
    maps3 = _channels_last(graph, graph.run(head.target_conv3, block3))
    maps4 = _channels_last(graph, graph.run(head.target_conv4, block4))
    bins3, bins4 = bins(graph, box, 3, size, _STRIDE3), bins(graph, box, 1, size, _STRIDE4)
    pooled3 = pool(graph, maps3, bins3, head.width // 2).pooled
    pooled4 = pool(graph, maps4, bins4, head.width).pooled
    vector3 = graph.run(head.target_vector3, _channels_first(graph, pooled3))
    both = graph.apply("Concat", vector3, _channels_first(graph, pooled4), axis=1)
    for name, layer in (("modulation3", head.modulate3), ("modulation4", head.modulate4)):
        graph.output(graph.apply("Flatten", graph.run(layer, both)), name, 1, head.width)
    return graph.model()


def judge_graph(net: AtomNet, size: int) -> onnx.ModelProto:
    """What the head says of boxes (x, y, w, h), `proposals`, in px of one search patch.

    `level3`, `level4`, `modulation3`, `modulation4`, `proposals` -> `iou` (predicted 2 IoU - 1) and
    `slope` (of each in its own x, y, w and h); or -> `offsets`, from a head that regresses boxes.

    Args:
        net: with a head, in evaluation mode.
        size: side of the patch, px.
    """
    head = fold(net.head_as(ProposalHead))
    graph = Graph("judge")
    cells3, cells4 = size // _STRIDE3, size // _STRIDE4
    level3 = graph.input("level3", 1, cells3, cells3, head.width)
    level4 = graph.input("level4", 1, cells4, cells4, head.width)
    modulation3 = graph.input("modulation3", 1, head.width)
    modulation4 = graph.input("modulation4", 1, head.width)
    proposals = graph.input("proposals", "p", 4)
    bins3 = bins(graph, proposals, 5, size, _STRIDE3)
    bins4 = bins(graph, proposals, 3, size, _STRIDE4)
    levels = [
        _level(graph, head.fc3, level3, modulation3, bins3),
        _level(graph, head.fc4, level4, modulation4, bins4),
    ]
    hidden = graph.apply("Concat", *(level.hidden for level in levels), axis=1)
    weights, bias = graph.constant(head.output.weight.T), graph.constant(head.output.bias)
    values = graph.apply("Gemm", hidden, weights, bias)
    if isinstance(head, BoxHead):
        graph.output(values, "offsets", "p", 4)
        return graph.model()
    graph.output(graph.shaped(values, -1), "iou", "p")
    outputs = head.output.weight[0].split(head.width)
    slopes = [
        _slope(graph, level, graph.constant(output))
        for level, output in zip(levels, outputs, strict=True)
    ]
    graph.output(graph.apply("Add", *slopes), "slope", "p", 4)
    return graph.model()


def _last_blocks(graph: Graph, backbone: Backbone, pixels: str) -> tuple[str, str]:
    """The names of the maps of blocks 3 and 4."""
    levels = graph.apply("Cast", _channels_first(graph, pixels), to=onnx.TensorProto.FLOAT)
    # not in the first layer's bias: what pads the patch is the mean, not black
    centred = graph.apply("Sub", levels, graph.constant(_LEVELS * backbone.mean))
    block1 = graph.run(_of_grey_levels(backbone), centred)
    block2 = graph.run(backbone.block2, block1)
    block3 = graph.run(backbone.block3, block2)
    return block3, graph.run(backbone.block4, block3)


def _of_grey_levels(backbone: Backbone) -> nn.Sequential:
    """Block 1 of a folded backbone, for pixels less their mean, in 0 to 255."""
    block = copy.deepcopy(backbone.block1)
    first = next(module for module in block.modules() if isinstance(module, nn.Conv2d))
    first.weight /= _LEVELS * backbone.std
    return block


class _Level(NamedTuple):
    """One level of the head, from its maps to the hidden values of each box `(p hidden)`.

    Attributes:
        weights: of the linear layer, `(cells hidden)`, on cells ordered row, column, channel.
        modulation: `(1 c)`.
    """

    hidden: str
    weights: str
    modulation: str
    channels: int
    pooling: Pooling
    bins: Bins


def _level(graph: Graph, layer: nn.Sequential, maps: str, modulation: str, bins: Bins) -> _Level:
    """Pools, modulates and judges, as `ProposalHead.predict` does."""
    linear = fold_linear(layer)
    channels = linear.in_features // bins.count**2
    by_cell = linear.weight.view(-1, channels, bins.count**2).transpose(1, 2).flatten(1)
    weights = graph.constant(by_cell.T)
    pooling = pool(graph, maps, bins, channels)
    modulated = graph.apply("Mul", pooling.pooled, modulation)
    flat = graph.apply("Flatten", modulated)
    hidden = graph.apply("Relu", graph.apply("Gemm", flat, weights, graph.constant(linear.bias)))
    return _Level(hidden, weights, modulation, channels, pooling, bins)


def _slope(graph: Graph, level: _Level, output: str) -> str:
    """What a level adds to the slope of the predicted IoU in x, y, w and h: `_level`, backwards."""
    alive = graph.apply("Cast", graph.apply("Greater", level.hidden, graph.constant(0.0)), to=1)
    hidden_slope = graph.apply("Mul", alive, output)
    cells = graph.apply("MatMul", hidden_slope, graph.apply("Transpose", level.weights))
    side = level.bins.count
    slope = graph.apply(
        "Mul", graph.shaped(cells, -1, side, side, level.channels), level.modulation
    )
    return pull_back(graph, slope, level.pooling, level.bins)


def _channels_first(graph: Graph, maps: str) -> str:
    return graph.apply("Transpose", maps, perm=[0, 3, 1, 2])


def _channels_last(graph: Graph, maps: str) -> str:
    return graph.apply("Transpose", maps, perm=[0, 2, 3, 1])
