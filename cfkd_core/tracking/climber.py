"""An IoU head made ready for one target: the predicted IoU of boxes, and its slope, by hand.

The head is asked fifty times a frame about boxes of one target. What does not change with the box
is therefore worked out once: the target's modulation scales channels and BatchNorm scales sums, so
both go into the linear layers; pooling is a matrix product on either side of the map, so its slope
in the box is one as well.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core import boxes, ops
from cfkd_core.models.folding import fold
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.pyramid import STRIDES


class Level(NamedTuple):
    """The head's path from one level of the search features to the predicted IoU.

    Attributes:
        weights: of the linear layer, on pooled cells ordered row, column, channel; modulation and
            BatchNorm are in them.
        bias: of the same.
        output: what each hidden value adds to the predicted IoU.
        bins: pooled cells along each side.
        stride: px per cell of the map.
    """

    weights: Float[Tensor, "hidden cells"]
    bias: Float[Tensor, "hidden"]
    output: Float[Tensor, "hidden"]
    bins: int
    stride: int


class Climber:
    """Says how much each box overlaps the target, and which way is up.

    Attributes:
        levels: one for block 3, one for block 4; their values add up.
    """

    def __init__(self, head: IoUHead, modulation: Modulation) -> None:
        """Folds the target into the head.

        Args:
            head: in evaluation mode; stays as it is.
            modulation: of one target.
        """
        outputs = head.output.weight[0].split(head.width)
        self.levels = (
            _level(head.fc3, modulation.level3[0], outputs[0], STRIDES[2]),
            _level(head.fc4, modulation.level4[0], outputs[1], STRIDES[3]),
        )
        self._bias = head.output.bias

    def judge(
        self, features: SearchFeatures, proposals: Float[Tensor, "p 4"]
    ) -> tuple[Float[Tensor, "p"], Float[Tensor, "p 4"]]:
        """Predicted 2 IoU - 1 of each proposal, and its slope in x, y, w and h.

        Args:
            features: of one search patch.
            proposals: px of the search patch.
        """
        corners = boxes.to_xyxy(proposals).T
        reach = torch.cat([corners[:2].amin(1), corners[2:].amax(1)]).tolist()
        values, slopes = self._bias, 0
        for level, maps in zip(self.levels, features, strict=True):
            value, slope = _level_slope(level, maps[0], corners, reach)
            values, slopes = values + value, slopes + slope
        return values, slopes


def _level(
    layer: nn.Sequential,
    modulation: Float[Tensor, "c"],
    output: Float[Tensor, "hidden"],
    stride: int,
) -> Level:
    """Linear layer, BatchNorm and modulation as one linear layer."""
    linear = fold(layer)[0]
    bins = round((linear.in_features / len(modulation)) ** 0.5)
    modulated = linear.weight.view(-1, len(modulation), bins, bins) * modulation[:, None, None]
    weights = modulated.permute(0, 2, 3, 1).flatten(1)
    return Level(weights, linear.bias, output, bins, stride)


def _level_slope(
    level: Level, maps: Float[Tensor, "c s s"], corners: Float[Tensor, "4 p"], reach: list[float]
) -> tuple[Float[Tensor, "p"], Float[Tensor, "p 4"]]:
    """What one level adds to the predicted IoU of each proposal, and to its slope in x, y, w, h.

    With W the bin weights along x and V those along y, a map F is pooled to V F Wᵀ; a slope G of
    the pooled cells is one of Gᵀ V F in W and of G W Fᵀ in V.

    Args:
        corners: left, top, right and bottom of the proposals, px of the search patch.
        reach: the same of the rectangle around them all.
    """
    window, first = _window(maps, [edge / level.stride for edge in reach])
    side = len(window)
    low, high = (corners.view(2, 2, -1) / level.stride - first[:, None]).unbind()
    weights, slopes = ops.bin_weights_and_slopes(low, high, level.bins, side)
    across, down = weights[0, :, None], weights[1].flatten(0, 1)
    flat = window.view(side, -1)

    rows = (down @ flat).view(-1, level.bins, side, window.shape[2])
    pooled = across @ rows
    hidden = torch.addmm(level.bias, pooled.flatten(1), level.weights.T).relu()

    pooled_slope = (((hidden > 0) * level.output) @ level.weights).view_as(pooled)
    across_slope = (pooled_slope @ rows.mT).sum(1)
    down_slope = (across.mT @ pooled_slope).view(len(down), -1) @ flat.T
    weights_slope = torch.stack([across_slope, down_slope.view_as(across_slope)])
    with_low, with_high = (weights_slope * slopes).sum((-2, -1)) / level.stride
    return hidden @ level.output, torch.cat([with_low + with_high, with_high]).T


def _window(
    maps: Float[Tensor, "c s s"], reach: list[float]
) -> tuple[Float[Tensor, "n n c"], Float[Tensor, "2"]]:
    """A square part of the maps that `reach` (in cells) does not leave, and its first cell (x, y).

    Cells that no box touches have no weight, so leaving them out is exact.
    """
    cells = maps.shape[-1]
    if not all(map(math.isfinite, reach)):
        reach = [0, 0, cells, cells]
    left, top, right, bottom = (min(max(edge, 0), cells - 1) for edge in reach)
    x, y = math.floor(left), math.floor(top)
    side = max(math.ceil(right) - x, math.ceil(bottom) - y, 0) + 1
    x, y = min(x, cells - side), min(y, cells - side)
    window = maps.permute(1, 2, 0)[y : y + side, x : x + side]
    return window.contiguous(), maps.new_tensor([x, y])
