r"""Where the bins of boxes lie on feature maps, and how what they pool changes with the boxes.

A side of a box, from l to h, has n bins with the edges :math:`e_k = l + (h - l) k / n`. With the
unit hat :math:`\Lambda` and its integral I, cell i counts in bin k by

.. math:: w_{ki} = \frac{n}{h - l} \bigl( I(e_{k+1} - i) - I(e_k - i) \bigr).

A slope :math:`g_{ki}` in these weights is therefore one of

.. math:: \sum_i \Lambda(e_k - i) \, \frac{n}{h - l} \, (g_{k-1,i} - g_{ki})

in the edge k, and of :math:`-\sum_{ki} g_{ki} w_{ki} / (h - l)` in the side's length. It is all
small arithmetic, which costs by the operation: hence both axes and all maps are worked out in one.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class Level(NamedTuple):
    """Bins along each side of a box, on one map.

    Attributes:
        bins: their number.
        stride: px per cell of the map.
    """

    bins: int
    stride: int


class Placed(NamedTuple):
    """The bins of some boxes.

    Attributes:
        weights: how much each cell counts in each bin, of one map after the other, along x and y.
        side: lengths, px; infinite where there is nothing to pool.
        scale: bins a cell, of each bin.
        hats: of each edge, at each cell.
    """

    weights: Float[Tensor, "2 p bins n"]
    side: Float[Tensor, "2 p 1"]
    scale: Float[Tensor, "2 p bins 1"]
    hats: Float[Tensor, "2 p edges n"]


class Bins:
    """Places the bins of one or more maps in boxes.

    Args:
        like: has the type, and is where the boxes are.
    """

    def __init__(self, levels: tuple[Level, ...], like: Tensor) -> None:
        def per_edge(numbers: list[Tensor]) -> Float[Tensor, "edges"]:
            return torch.cat(numbers).to(like)

        shares = [torch.linspace(0, 1, bins + 1, dtype=torch.float64) for bins, _ in levels]
        strides = [level.stride for level in levels]
        high = per_edge([share / n for share, n in zip(shares, strides, strict=True)])
        low = per_edge([(1 - share) / n for share, n in zip(shares, strides, strict=True)])
        self._edges = torch.stack([low, high])
        self._place_and_length = torch.stack([low + high, high], dim=1)
        # between the last edge of one map and the first of the next there is no bin
        scales = [torch.tensor([float(n.bins * n.stride)] * n.bins + [0.0]) for n in levels]
        self._scales = per_edge(scales)[:-1]
        self._counts = [level.bins + 1 for level in levels]

    def place(
        self, ends: Float[Tensor, "2 p 2"], firsts: list[tuple[int, int]], cells: int
    ) -> Placed:
        """Bins between two ends along x and y.

        Args:
            ends: px; all weights are 0 where the second is not above the first.
            firsts: (x, y) of the cell of each map from which on `cells` of them are counted.
        """
        numbers = [
            [first[axis] for first, count in zip(firsts, self._counts, strict=True)
             for _ in range(count)]
            for axis in (0, 1)
        ]  # fmt: skip
        edges = ends @ self._edges - ends.new_tensor(numbers)[:, None]
        grid = torch.arange(cells, dtype=ends.dtype, device=ends.device)
        seen = (edges[..., None] - grid).clamp_(-1, 1)
        hats = 1 - seen.abs()
        integral = seen * (0.5 + 0.5 * hats)
        side = ends[..., 1:] - ends[..., :1]
        side = side.masked_fill(side <= 0, torch.inf)
        scale = (self._scales / side)[..., None]
        return Placed((integral[:, :, 1:] - integral[:, :, :-1]) * scale, side, scale, hats)

    def split(self, weights: Float[Tensor, "2 p bins n"]) -> list[Float[Tensor, "2 p _ n"]]:
        """A view of each map's part."""
        parts, start = [], 0
        for count in self._counts:
            parts.append(weights[:, :, start : start + count - 1])
            start += count
        return parts

    def slope(self, placed: Placed, gradient: Float[Tensor, "2 p bins n"]) -> Float[Tensor, "p 4"]:
        """Slope in x, y, w and h of what has this slope in the weights."""
        scaled = functional.pad(gradient * placed.scale, (0, 0, 1, 1))
        edges = ((scaled[:, :, :-1] - scaled[:, :, 1:]) * placed.hats).sum(-1)
        slope = edges @ self._place_and_length
        slope[..., 1] -= (gradient * placed.weights).sum((-2, -1)) / placed.side[..., 0]
        return slope.permute(1, 2, 0).flatten(1)
