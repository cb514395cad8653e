"""Training pairs from decoded images in memory: cut by OpenCV, or by the batch on a GPU."""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from cfkd_core.datasets.pair_plan import Crop, PairOptions, PairPlan, plan_pair
from cfkd_core.datasets.pairs import (
    PairBatch,
    Source,
    annotated_frame,
    draw_frames,
    draw_sequence,
    labelled,
    render,
    shares,
    usable,
    visible_frames,
)
from cfkd_core.datasets.sequence import Frame, Sequence
from cfkd_core.errors import InputError


class PairBank:
    """The pairs of a `PairDataset` of the same seed, from images that are all in memory.

    All images lie in one array of bytes, one after the other. On a CPU a batch is the pairs of
    `PairDataset`, without its decoding of two images a pair; on a GPU it is one gather, whose
    pixels agree to the rounding of OpenCV's interpolation.

    Args:
        device: of the images and of what `batch` gives.

    Raises:
        InputError: as `PairDataset`; and at once, not while it trains, if an image is of no use.
    """

    def __init__(
        self,
        sources: list[Source],
        length: int,
        seed: int,
        options: PairOptions,
        device: torch.device,
    ) -> None:
        if not sources:
            raise InputError("no source of training pairs; give at least one")
        self.sequences = [usable(source, options) for source in sources]
        self.probabilities = shares(sources)
        self.length, self.seed, self.options = length, seed, options
        self.device = device
        self.places, self.packed = _pack(self.sequences)
        if device.type != "cpu":
            self.pixels = torch.from_numpy(self.packed).to(device)

    def __len__(self) -> int:
        return self.length

    def batch(self, indices: list[int]) -> PairBatch:
        """The pairs of these indices, one after the other, on the bank's device."""
        plans, places = map(list, zip(*(self._plan(index) for index in indices), strict=True))
        if self.device.type == "cpu":
            return render(
                [[self._frame(*each) for each in pair] for pair in places], plans, self.size
            )
        target, search = (
            cut(
                self.pixels,
                torch.tensor([pair[which] for pair in places], device=self.device),
                _steps([plan.crops[which] for plan in plans], self.device),
                self.size,
            )
            for which in (0, 1)
        )
        return labelled(target, search, plans)

    @property
    def size(self) -> int:
        """Side of a patch, px."""
        return self.options.size

    def _frame(self, first: int, height: int, width: int) -> Frame:
        return self.packed[first : first + 3 * height * width].reshape(height, width, 3)

    def _plan(self, index: int) -> tuple[PairPlan, list[tuple[int, int, int]]]:
        """A pair's plan, and where its two images lie."""
        generator = np.random.default_rng((self.seed, index))
        sequence = draw_sequence(self.sequences, self.probabilities, generator)
        numbers = draw_frames(visible_frames(sequence), self.options.max_gap, generator)
        places = [self.places[id(sequence), number] for number in numbers]
        widths = [width for _, _, width in places]
        plan = plan_pair(sequence.boxes[list(numbers)], widths, self.options, generator)
        return plan, places


Places = dict[tuple[int, int], tuple[int, int, int]]


def _pack(sources: list[list[Sequence]]) -> tuple[Places, UInt8[np.ndarray, "n"]]:
    """Every visible frame's bytes; (sequence, frame number) -> (first byte, height, width)."""
    places: Places = {}
    parts: list[np.ndarray] = []
    first = 0
    for sequence in (each for source in sources for each in source):
        for number in np.flatnonzero(visible_frames(sequence)).tolist():
            frame = annotated_frame(sequence, number)
            places[id(sequence), number] = (first, *frame.shape[:2])
            parts.append(frame.reshape(-1))
            first += frame.size
    return places, np.concatenate(parts)


def _steps(crops: list[Crop], device: torch.device) -> Float[Tensor, "b 4"]:
    """Corner x, y and steps x, y of each crop."""
    rows = np.array([[*crop.corner, *crop.steps] for crop in crops])
    return torch.from_numpy(rows).to(device)


def cut(
    pixels: UInt8[Tensor, "n"],
    places: Int[Tensor, "b 3"],
    crops: Float[Tensor, "b 4"],
    size: int,
) -> Float[Tensor, "b 3 {size} {size}"]:
    """Patches by bilinear interpolation, the images' borders replicated; RGB in [0, 1].

    Args:
        pixels: all images, row by row, RGB.
        places: first byte, height and width of each patch's image.
        crops: corner (x, y) and steps (x, y) of each patch; see `Crop`.
    """
    first, height, width = (each[:, None, None] for each in places.unbind(1))
    # a patch's pixel covers [i, i + 1), and so does an image's
    middles = torch.arange(size, device=pixels.device, dtype=crops.dtype) + 0.5
    x, y = (crops[:, axis, None] + crops[:, axis + 2, None] * middles - 0.5 for axis in (0, 1))
    left, top = x.floor(), y.floor()
    right_share = (x - left)[:, None, :, None]
    lower_share = (y - top)[:, :, None, None]

    def read(row: Tensor, column: Tensor) -> Tensor:
        row = row.long()[:, :, None].clamp(min=0).minimum(height - 1)
        column = column.long()[:, None, :].clamp(min=0).minimum(width - 1)
        place = first + 3 * (row * width + column)
        return torch.stack([pixels[place + channel] for channel in range(3)], -1).float()

    upper = torch.lerp(read(top, left), read(top, left + 1), right_share.float())
    lower = torch.lerp(read(top + 1, left), read(top + 1, left + 1), right_share.float())
    return torch.lerp(upper, lower, lower_share.float()).permute(0, 3, 1, 2) / 255
