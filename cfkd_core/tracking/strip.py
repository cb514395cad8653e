"""Samples laid end to end in one long strip, to be correlated with a filter again and again.

Between rows and between samples lies a margin of zeros. A tap of the filter then reads, for every
cell of every sample at once, the same strip moved by a fixed number of cells: correlation is one
matrix product, which weighs the channels for each tap, and one shifted addition a tap. All memory
but that of the answers is set aside once.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Samples to a matrix product: so many, and what it makes of them, are a megabyte or two, which a
# core still has at hand for the product that follows.
_AT_A_TIME = 25

Maps = Float[Tensor, "n h w"]
Padded = Float[Tensor, "n rows columns"]
"""Maps with the strip's margin to the right and below."""
Filter = Float[Tensor, "d k k"]


class Strip:
    """Room for samples; empty at first, which is all zeros.

    Attributes:
        samples: `(d n h w)`, a view: what is written to it is in the strip.
        kernel: cells a side of the filters that it can be correlated with.
        inside: 1 in the cells of a padded map, 0 in its margin, where its numbers mean nothing.

    Args:
        like: has the type, and is where the strip is to be.
    """

    def __init__(
        self, channels: int, capacity: int, cells: tuple[int, int], kernel: int, like: Tensor
    ) -> None:
        height, width = cells
        self.kernel, self._margin = kernel, kernel // 2
        rows, self._row = height + self._margin, width + self._margin
        padded = like.new_zeros(channels, capacity, rows, self._row)
        self._strip = padded.flatten(1)
        self.samples = padded[..., :height, :width]
        self.inside = like.new_zeros(rows, self._row)
        self.inside[:height, :width] = 1
        self._set_aside(like)

    def _set_aside(self, like: Tensor) -> None:
        """Memory for the taps of a few samples, and views of it that are shifted already.

        What a tap reads before the first of them and after the last is always 0: their own margin,
        or the one set aside here.
        """
        kernel, row = self.kernel, self._row
        length = _AT_A_TIME * self.inside.numel()
        before, reach = kernel // 2, self._margin * (row + 1)
        taps = like.new_zeros(kernel * kernel, length + 2 * reach)
        self._taps = taps[:, reach : reach + length]
        shifts = [(i - before) * row + j - before for i in range(kernel) for j in range(kernel)]
        self._shifted = [
            tap[reach + shift : reach + shift + length]
            for tap, shift in zip(taps, shifts, strict=True)
        ]
        maps = like.new_zeros(length + 2 * reach)
        self._map = maps[reach : reach + length]
        # row (i, j) holds the maps moved against the shift of tap (k - 1 - i, k - 1 - j): strides
        # cannot be negative, so the taps come in reverse order
        start = reach - (kernel - 1 - before) * (row + 1)
        self._spread_view = maps.as_strided((kernel, kernel, length), (row, 1, 1), start)
        self._spread = like.new_empty(kernel * kernel, length)

    def pad(self, maps: Maps) -> Padded:
        """Maps with a margin of zeros."""
        return functional.pad(maps, (0, self._margin, 0, self._margin))

    def correlate(self, weights: Filter, count: int) -> Padded:
        """Score maps of the first `count` samples, zero beyond their border.

        For an even kernel k the response at cell y covers cells y - k/2 to y + k/2 - 1.
        """
        across = weights.flatten(1).T
        response = weights.new_empty(count, *self.inside.shape)
        flat = response.flatten()
        for part in self._parts(count):
            self._correlate(across, part, flat[part])
        return response

    def gradient(self, maps: Padded) -> Filter:
        """The adjoint of `correlate` in the filter: <correlate(f), m> = <f, gradient(m)>.

        Args:
            maps: zero in the margin; one for each of the first samples.
        """
        total = maps.new_zeros(len(self._strip), self.kernel**2)
        flat = maps.flatten()
        for part in self._parts(len(maps)):
            self._map[: part.stop - part.start] = flat[part]
            self._add_gradient(part, total)
        return self._as_filter(total)

    def gram(self, weights: Filter, curvature: Padded) -> Filter:
        """`gradient(curvature * correlate(weights))`, which reads the samples once, not twice.

        Args:
            curvature: zero in the margin; one for each of the first samples.
        """
        across = weights.flatten(1).T
        total = weights.new_zeros(len(self._strip), self.kernel**2)
        flat = curvature.flatten()
        for part in self._parts(len(curvature)):
            response = self._map[: part.stop - part.start]
            self._correlate(across, part, response)
            response *= flat[part]
            self._add_gradient(part, total)
        return self._as_filter(total)

    def _parts(self, count: int) -> Iterator[slice]:
        """The strip of `count` samples, a few of them at a time."""
        cells = self.inside.numel()
        for first in range(0, count, _AT_A_TIME):
            yield slice(first * cells, min(first + _AT_A_TIME, count) * cells)

    def _correlate(
        self, across: Float[Tensor, "taps d"], part: slice, out: Float[Tensor, "cells"]
    ) -> None:
        length = part.stop - part.start
        torch.mm(across, self._strip[:, part], out=self._taps[:, :length])
        out.copy_(self._shifted[0][:length])
        for tap in self._shifted[1:]:
            out += tap[:length]

    def _add_gradient(self, part: slice, total: Float[Tensor, "d taps"]) -> None:
        """Adds what the samples of `part` and `self._map` make, the taps in reverse order."""
        length = part.stop - part.start
        self._spread.view_as(self._spread_view).copy_(self._spread_view)
        total.addmm_(self._strip[:, part], self._spread[:, :length].T)

    def _as_filter(self, total: Float[Tensor, "d taps"]) -> Filter:
        return total.flip(1).view(-1, self.kernel, self.kernel)
