r"""Where the bins of boxes lie on feature maps, and how what they pool changes with the boxes.

A side of a box, from l to h, has n bins with the edges :math:`e_k = l + (h - l) k / n`. With the
unit hat :math:`\Lambda` and its integral I, cell i counts in bin k by

.. math:: w_{ki} = \frac{n}{h - l} \bigl( I(e_{k+1} - i) - I(e_k - i) \bigr).

A slope :math:`g_{ki}` in these weights is therefore one of

.. math:: \sum_i \Lambda(e_k - i) \, \frac{n}{h - l} \, (g_{k-1,i} - g_{ki})

in the edge k, and of :math:`-\sum_{ki} g_{ki} w_{ki} / (h - l)` in the side's length. It is all
small arithmetic, which costs by the operation: hence both axes and all maps are worked out in one,
and in NumPy, whose operations on small arrays take a fraction of the time of torch's.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


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

    weights: Float[np.ndarray, "2 p bins n"]
    side: Float[np.ndarray, "2 p 1"]
    scale: Float[np.ndarray, "2 p bins 1"]
    hats: Float[np.ndarray, "2 p edges n"]


class Bins:
    """Places the bins of one or more maps in boxes.

    Args:
        dtype: of the boxes.
    """

    def __init__(self, levels: tuple[Level, ...], dtype: np.dtype) -> None:
        self._dtype = dtype
        shares = [np.linspace(0, 1, bins + 1) for bins, _ in levels]
        strides = [level.stride for level in levels]
        high = np.concatenate([share / n for share, n in zip(shares, strides, strict=True)])
        low = np.concatenate([(1 - share) / n for share, n in zip(shares, strides, strict=True)])
        self._edges = np.stack([low, high]).astype(dtype)
        self._place_and_length = np.stack([low + high, high], axis=1).astype(dtype)
        # between the last edge of one map and the first of the next there is no bin
        scales = [[n.bins * n.stride] * n.bins + [0] for n in levels]
        self._scales = np.concatenate(scales)[:-1].astype(dtype)
        self._counts = [level.bins + 1 for level in levels]

    def place(
        self, ends: Float[np.ndarray, "2 p 2"], firsts: list[tuple[int, int]], cells: int
    ) -> Placed:
        """Bins between two ends along x and y.

        Args:
            ends: px; all weights are 0 where the second is not above the first.
            firsts: (x, y) of the cell of each map from which on `cells` of them are counted.
        """
        numbers = np.repeat(np.array(firsts, self._dtype).T, self._counts, axis=1)
        edges = ends @ self._edges - numbers[:, None]
        seen = edges[..., None] - np.arange(cells, dtype=self._dtype)
        np.minimum(seen, 1, out=seen)
        np.maximum(seen, -1, out=seen)
        hats = 1 - np.abs(seen)
        integral = seen * (0.5 + 0.5 * hats)
        side = ends[..., 1:] - ends[..., :1]
        side[side <= 0] = np.inf
        scale = (self._scales / side)[..., None]
        return Placed((integral[:, :, 1:] - integral[:, :, :-1]) * scale, side, scale, hats)

    def split(self, weights: Float[np.ndarray, "2 p bins n"]) -> list[Float[np.ndarray, "2 p _ n"]]:
        """A view of each map's part."""
        parts, start = [], 0
        for count in self._counts:
            parts.append(weights[:, :, start : start + count - 1])
            start += count
        return parts

    def slope(
        self, placed: Placed, gradient: Float[np.ndarray, "2 p bins n"]
    ) -> Float[np.ndarray, "p 4"]:
        """Slope in x, y, w and h of what has this slope in the weights."""
        scaled = gradient * placed.scale
        change = np.empty_like(placed.hats)
        change[:, :, 0], change[:, :, -1] = -scaled[:, :, 0], scaled[:, :, -1]
        np.subtract(scaled[:, :, :-1], scaled[:, :, 1:], out=change[:, :, 1:-1])
        slope = np.einsum("aben,aben->abe", change, placed.hats) @ self._place_and_length
        shrunk = np.einsum("abkn,abkn->ab", gradient, placed.weights)
        slope[..., 1] -= shrunk / placed.side[..., 0]
        return slope.transpose(1, 2, 0).reshape(-1, 4)
