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

from cfkd_core.models.folding import fold
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.tracking import bins
from cfkd_core.tracking.bins import Bins


class Path(NamedTuple):
    """The head's path from one level of the search features to the predicted IoU.

    Attributes:
        weights: of the linear layer, on pooled cells ordered column, row, channel; modulation and
            BatchNorm are in them.
        bias: of the same.
        output: what each hidden value adds to the predicted IoU.
        level: its bins.
    """

    weights: Float[Tensor, "hidden cells"]
    bias: Float[Tensor, "hidden"]
    output: Float[Tensor, "hidden"]
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
        self._bias = head.output.bias
        self._bins = Bins(tuple(path.level for path in self.paths), head.output.weight)

    def judge(
        self, features: SearchFeatures, proposals: Float[Tensor, "p 4"]
    ) -> tuple[Float[Tensor, "p"], Float[Tensor, "p 4"]]:
        """Predicted 2 IoU - 1 of each proposal, and its slope in x, y, w and h.

        Args:
            features: of one search patch.
            proposals: px of the search patch.
        """
        low, side = proposals.T.view(2, 2, -1)
        ends = torch.stack([low, low + side], dim=-1)
        reach = ends[..., 0].amin(1).tolist() + ends[..., 1].amax(1).tolist()
        windows, firsts = zip(
            *(
                _window(maps[0], [edge / path.level.stride for edge in reach])
                for path, maps in zip(self.paths, features, strict=True)
            ),
            strict=True,
        )
        placed = self._bins.place(ends, list(firsts), max(map(len, windows)))
        gradient = torch.zeros_like(placed.weights)
        values = self._bias
        for path, window, weights, slopes in zip(
            self.paths,
            windows,
            self._bins.split(placed.weights),
            self._bins.split(gradient),
            strict=True,
        ):
            across, down = weights[..., : len(window)].unbind()
            value, across_slope, down_slope = _follow(path, window, across, down)
            values = values + value
            slopes[0, ..., : len(window)] = across_slope
            slopes[1, ..., : len(window)] = down_slope
        return values, self._bins.slope(placed, gradient)


def _path(
    layer: nn.Sequential,
    modulation: Float[Tensor, "c"],
    output: Float[Tensor, "hidden"],
    stride: int,
) -> Path:
    """Linear layer, BatchNorm and modulation as one linear layer."""
    linear = fold(layer)[0]
    side = round((linear.in_features / len(modulation)) ** 0.5)
    modulated = linear.weight.view(-1, len(modulation), side, side) * modulation[:, None, None]
    weights = modulated.permute(0, 3, 2, 1).flatten(1)
    return Path(weights, linear.bias, output, bins.Level(side, stride))


def _follow(
    path: Path,
    window: Float[Tensor, "n n c"],
    across: Float[Tensor, "p b n"],
    down: Float[Tensor, "p b n"],
) -> tuple[Float[Tensor, "p"], Float[Tensor, "p b n"], Float[Tensor, "p b n"]]:
    """What one path adds to the predicted IoU of each proposal, and its slope in the bin weights.

    With the bin weights W along x and V along y, a map F is pooled to V F Wᵀ; a slope G of the
    pooled cells is one of Gᵀ V F in W and of G W Fᵀ in V. The products over rows are done for all
    proposals at once, those over columns for all rows and channels of a proposal.
    """
    proposals, side, cells = across.shape
    flat = window.flatten(1)
    rows = (down.flatten(0, 1) @ flat).view(proposals, side, cells, -1)
    columns = rows.transpose(1, 2).flatten(2)
    pooled = across @ columns
    hidden = torch.addmm(path.bias, pooled.flatten(1), path.weights.T).relu_()

    pooled_slope = (((hidden > 0) * path.output) @ path.weights).view_as(pooled)
    across_slope = pooled_slope @ columns.mT
    spread = (across.mT @ pooled_slope).view(proposals, cells, side, -1).transpose(1, 2)
    down_slope = spread.reshape(proposals * side, -1) @ flat.T
    return hidden @ path.output, across_slope, down_slope.view_as(across_slope)


def _window(
    maps: Float[Tensor, "c s s"], reach: list[float]
) -> tuple[Float[Tensor, "n n c"], tuple[int, int]]:
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
    return window.contiguous(), (x, y)
