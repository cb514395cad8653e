"""Precise RoI pooling in an ONNX graph: `ops.prroi_pool` and its slope in the boxes.

The formulas are those of `tracking.bins`. Channels come last, so that each step is a matrix
product.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cfkd_core.models.onnx_graph import Graph


@dataclass(frozen=True)
class Bins:
    """The bins of boxes along both sides of a map, and how much each cell counts in them.

    Attributes:
        weights: `(p 2 count cells)`, across and down.
        with_low, with_high: their derivatives in the boxes' lower and upper edges.
        count: of bins along a side.
        cells: of the map along a side.
        stride: px per cell.
    """

    weights: str
    with_low: str
    with_high: str
    count: int
    cells: int
    stride: int


def bins(graph: Graph, boxes: str, count: int, size: int, stride: int) -> Bins:
    """The bins of boxes `(p 4)` in px of a patch of `size` px."""
    scale, cells = graph.constant(float(stride)), size // stride
    corner, extent = (
        graph.apply("Gather", boxes, graph.constant(columns), axis=1)
        for columns in ([0, 1], [2, 3])
    )
    low = graph.apply("Div", corner, scale)
    high = graph.apply("Div", graph.apply("Add", corner, extent), scale)
    side = graph.raised(graph.apply("Sub", high, low))
    steps = graph.constant(np.linspace(0, 1, count + 1))
    edges = graph.apply("Add", graph.raised(low), graph.apply("Mul", side, steps))
    away = graph.apply("Sub", graph.raised(edges), graph.constant(np.arange(float(cells))))
    seen = graph.apply("Clip", away, graph.constant(-1.0), graph.constant(1.0))
    # where there is nothing between two edges, all that is divided by the side is 0
    empty = graph.apply("LessOrEqual", side, graph.constant(0.0))
    side = graph.raised(graph.apply("Where", empty, graph.constant(np.inf), side))
    return Bins(*_weights_and_slopes(graph, seen, side, count), count, cells, stride)


def _weights_and_slopes(graph: Graph, seen: str, side: str, count: int) -> tuple[str, str, str]:
    """The weights, and their derivatives in the lower and in the upper edge."""
    difference = graph.constant(np.diff(np.eye(count + 1), axis=0))  # of neighbouring edges
    per_cell = graph.apply("Div", graph.constant(float(count)), side)
    distance = graph.apply("Abs", seen)
    beyond = graph.apply("Mul", graph.constant(0.5), graph.apply("Mul", seen, distance))
    integral = graph.apply("MatMul", difference, graph.apply("Sub", seen, beyond))
    weights = graph.apply("Mul", integral, per_cell)

    hats = graph.apply("Sub", graph.constant(1.0), distance)
    numbered = graph.apply("Mul", hats, graph.constant(np.arange(count + 1.0)[:, None]))
    moved = graph.apply("Sub", graph.apply("MatMul", difference, numbered), weights)
    with_high = graph.apply("Div", moved, side)
    together = graph.apply("Mul", graph.apply("MatMul", difference, hats), per_cell)
    return weights, graph.apply("Sub", together, with_high), with_high


class Pooling(NamedTuple):
    """Pooled maps, and what leads back from them to the weights.

    Attributes:
        pooled: `(p count count c)`, row first.
        across: the weights along rows, `(p 1 count cells)`.
        rows: maps pooled down, but not yet across, `(p count cells c)`.
        flat: the maps, `(cells cells*c)`.
    """

    pooled: str
    across: str
    rows: str
    flat: str


def pool(graph: Graph, maps: str, bins: Bins, channels: int) -> Pooling:
    """The mean over each bin of one image's maps `(1 cells cells c)`."""
    across, down = (
        graph.apply("Gather", bins.weights, graph.constant([side]), axis=1) for side in (0, 1)
    )
    flat = graph.shaped(maps, bins.cells, -1)
    rows = graph.apply("MatMul", graph.shaped(down, -1, bins.cells), flat)
    rows = graph.shaped(rows, -1, bins.count, bins.cells, channels)
    return Pooling(graph.apply("MatMul", across, rows), across, rows, flat)


def pull_back(graph: Graph, slope: str, pooling: Pooling, bins: Bins) -> str:
    """The slope in x, y, w and h of the boxes `(p 4)` that a slope of the pooled cells means."""
    by_row = graph.apply("MatMul", slope, _turned(graph, pooling.rows))
    across = graph.apply("ReduceSum", by_row, graph.constant([1]), keepdims=1)
    by_cell = graph.apply("MatMul", _turned(graph, pooling.across), slope)
    # (p count cells c), one row for each box and bin
    flat = graph.apply("Flatten", by_cell, axis=2)
    down = graph.apply("MatMul", flat, graph.apply("Transpose", pooling.flat))
    down = graph.shaped(down, -1, 1, bins.count, bins.cells)
    weights = graph.apply("Concat", across, down, axis=1)
    scale, sides = graph.constant(float(bins.stride)), graph.constant([2, 3])
    products = [graph.apply("Mul", weights, edge) for edge in (bins.with_low, bins.with_high)]
    sums = [graph.apply("ReduceSum", product, sides, keepdims=0) for product in products]
    with_low, with_high = (graph.apply("Div", each, scale) for each in sums)
    return graph.apply("Concat", graph.apply("Add", with_low, with_high), with_high, axis=1)


def _turned(graph: Graph, values: str) -> str:
    """The last two of four sides exchanged."""
    return graph.apply("Transpose", values, perm=[0, 1, 3, 2])
