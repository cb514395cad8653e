"""An IoU head made ready for one target: the predicted IoU of boxes, and its slope, by hand.

The head is asked fifty times a frame about boxes of one target. What does not change with the box
is therefore worked out once: the target's modulation scales channels and BatchNorm scales sums, so
both go into the linear layers; pooling is a matrix product on either side of the map, so its slope
in the box is one as well. What is left are many small steps, which NumPy takes in a fraction of the
time that torch does; on a GPU, too, the search features come to the processor for it.
"""

import math
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn

from cfkd_core.models.folding import fold_linear
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.tracking import bins
from cfkd_core.tracking.bins import Bins
from cfkd_core.tracking.refine import Ascent, Judge, RefineOptions, climb


class Path(NamedTuple):
    """The head's path from one level of the search features to the predicted IoU.

    Attributes:
        weights: of the linear layer, on pooled cells ordered column, row, channel; modulation and
            BatchNorm are in them.
        forward: the same, transposed in memory: either product reads its own in order.
        bias: of the same.
        output: what each hidden value adds to the predicted IoU.
        level: its bins.
    """

    weights: Float[np.ndarray, "hidden cells"]
    forward: Float[np.ndarray, "cells hidden"]
    bias: Float[np.ndarray, "hidden"]
    output: Float[np.ndarray, "hidden"]
    level: bins.Level


class Climber:
    """Says how much each box overlaps the target, and which way is up.

    Attributes:
        paths: one from block 3, one from block 4; their values add up.
    """

    def __init__(self, head: IoUHead, modulation: Modulation) -> None:
        """Folds the target into the head.

        Args:
            head: in evaluation mode; stays as it is.
            modulation: of one target.
        """
        outputs = head.output.weight[0].split(head.width)
        self.paths = (
            _path(head.fc3, modulation.level3[0], outputs[0], STRIDES[2]),
            _path(head.fc4, modulation.level4[0], outputs[1], STRIDES[3]),
        )
        self._bias = _array(head.output.bias)
        self._bins = Bins(tuple(path.level for path in self.paths), self._bias.dtype)

    def climb(
        self, features: SearchFeatures, proposals: Float[np.ndarray, "p 4"], options: RefineOptions
    ) -> Ascent:
        """`refine.climb` in one search patch, px; on one thread, as no product is worth two."""
        with _blas().limit(limits=1):
            return climb(self.judge(features), proposals, options)

    def judge(self, features: SearchFeatures) -> Judge:
        """What says of boxes in this search patch, px, how they do and which way is up."""
        maps = [_array(each[0].permute(1, 2, 0)) for each in features]
        return partial(self._judge, maps)

    @np.errstate(over="ignore", invalid="ignore")  # a box that is no box is the caller's concern
    def _judge(
        self, maps: list[Float[np.ndarray, "_ _ c"]], proposals: Float[np.ndarray, "p 4"]
    ) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p 4"]]:
        low, side = proposals.T.reshape(2, 2, -1)
        ends = np.stack([low, low + side], axis=-1)
        reach = [*ends[..., 0].min(axis=1).tolist(), *ends[..., 1].max(axis=1).tolist()]
        windows, firsts = zip(
            *(
                _window(each, [edge / path.level.stride for edge in reach])
                for path, each in zip(self.paths, maps, strict=True)
            ),
            strict=True,
        )
        placed = self._bins.place(ends, list(firsts), max(map(len, windows)))
        gradient = np.zeros_like(placed.weights)
        values = self._bias
        for path, window, weights, slopes in zip(
            self.paths,
            windows,
            self._bins.split(placed.weights),
            self._bins.split(gradient),
            strict=True,
        ):
            across, down = weights[..., : len(window)]
            value, across_slope, down_slope = _follow(path, window, across, down)
            values = values + value
            slopes[0, ..., : len(window)] = across_slope
            slopes[1, ..., : len(window)] = down_slope
        return values, self._bins.slope(placed, gradient)


@cache
def _blas() -> ThreadpoolController:
    """What multiplies matrices for NumPy; found once, which takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _array(tensor: Tensor) -> np.ndarray:
    """In the main memory and in order; the tensor's own memory where it is so already."""
    return tensor.detach().cpu().contiguous().numpy()


def _path(
    layer: nn.Sequential,
    modulation: Float[Tensor, "c"],
    output: Float[Tensor, "hidden"],
    stride: int,
) -> Path:
    """Linear layer, BatchNorm and modulation as one linear layer."""
    linear = fold_linear(layer)
    side = round((linear.in_features / len(modulation)) ** 0.5)
    modulated = linear.weight.view(-1, len(modulation), side, side) * modulation[:, None, None]
    weights = modulated.permute(0, 3, 2, 1).flatten(1)
    level = bins.Level(side, stride)
    return Path(_array(weights), _array(weights.T), _array(linear.bias), _array(output), level)


def _follow(
    path: Path,
    window: Float[np.ndarray, "n n c"],
    across: Float[np.ndarray, "p b n"],
    down: Float[np.ndarray, "p b n"],
) -> tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p b n"], Float[np.ndarray, "p b n"]]:
    """What one path adds to the predicted IoU of each proposal, and its slope in the bin weights.

    With the bin weights W along x and V along y, a map F is pooled to V F Wᵀ; a slope G of the
    pooled cells is one of Gᵀ V F in W and of G W Fᵀ in V. The products over rows are done for all
    proposals at once, those over columns for all rows and channels of a proposal.
    """
    proposals, side, cells = across.shape
    flat = window.reshape(cells, -1)
    rows = (down.reshape(-1, cells) @ flat).reshape(proposals, side, cells, -1)
    columns = rows.transpose(0, 2, 1, 3).reshape(proposals, cells, -1)
    pooled = across @ columns
    hidden = pooled.reshape(proposals, -1) @ path.forward
    hidden += path.bias
    np.maximum(hidden, 0, out=hidden)

    pooled_slope = (((hidden > 0) * path.output) @ path.weights).reshape(pooled.shape)
    across_slope = pooled_slope @ columns.transpose(0, 2, 1)
    spread = (across.transpose(0, 2, 1) @ pooled_slope).reshape(proposals, cells, side, -1)
    down_slope = spread.transpose(0, 2, 1, 3).reshape(proposals * side, -1) @ flat.T
    return hidden @ path.output, across_slope, down_slope.reshape(across.shape)


def _window(
    maps: Float[np.ndarray, "s s c"], reach: list[float]
) -> tuple[Float[np.ndarray, "n n c"], tuple[int, int]]:
    """A square part of the maps that `reach` (in cells) does not leave, and its first cell (x, y).

    Cells that no box touches have no weight, so leaving them out is exact.
    """
    cells = len(maps)
    if not all(map(math.isfinite, reach)):
        reach = [0, 0, cells, cells]
    left, top, right, bottom = (min(max(edge, 0), cells - 1) for edge in reach)
    x, y = math.floor(left), math.floor(top)
    side = max(math.ceil(right) - x, math.ceil(bottom) - y, 0) + 1
    x, y = min(x, cells - side), min(y, cells - side)
    return maps[y : y + side, x : x + side], (x, y)
