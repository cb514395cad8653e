"""Training pairs: the same target in two frames, with proposals of known overlap.

A pair depends on the data set's seed and the pair's index and on nothing else. So the number of
worker processes does not matter, and a broken run goes on with the very pairs it has not seen.
Here patches are cut one by one from images that are read as they are needed; `pair_bank` cuts the
same patches by the batch, on a GPU, from images in its memory.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from cfkd_core import patches
from cfkd_core.datasets.pair_plan import PairOptions, PairPlan, plan_pair
from cfkd_core.datasets.sequence import Frame, Sequence
from cfkd_core.errors import InputError

# Red, green and blue in brightness: ITU-R BT.601, as OpenCV's conversion to grey has it.
LUMA = (0.299, 0.587, 0.114)

# Failures among fewer reads than this say little about the whole.
FEWEST_READS = 500


class PairBatch(NamedTuple):
    """What a loss sees of the data.

    Attributes:
        target: crop of the annotated frame, RGB in [0, 1].
        search: crop of another frame of the same video, RGB in [0, 1].
        target_box: the annotation, px of the target patch.
        search_box: the annotation, px of the search patch.
        proposals: boxes near `search_box`, px of the search patch.
        proposal_iou: 2 * IoU - 1 of each proposal with `search_box`, in [-1, 1].
    """

    target: Float[Tensor, "b 3 s s"]
    search: Float[Tensor, "b 3 s s"]
    target_box: Float[Tensor, "b 4"]
    search_box: Float[Tensor, "b 4"]
    proposals: Float[Tensor, "b p 4"]
    proposal_iou: Float[Tensor, "b p"]


@dataclass(frozen=True)
class Source:
    """Sequences, and how often to draw from them.

    Attributes:
        name: for messages.
        sequences: videos; a sequence of one frame is a still, and gives the same image twice.
        weight: share of the pairs, relative to the other sources'.
    """

    name: str
    sequences: Iterable[Sequence]
    weight: float = 1.0


class PairDataset(Dataset[PairBatch]):
    """`length` pairs, each a `PairBatch` of one; `collate` makes a batch of several.

    An image that cannot be decoded, or does not fit its annotation, is named in a warning and
    counted, and another pair is drawn in place of its own. Worker processes count each for itself.

    Attributes:
        reads: images asked for so far.
        corrupt: how many of them were of no use.

    Raises:
        InputError: if there is no source, a source has no sequence that can be used, a weight is
            not positive or the seed negative; and while reading, if more than `max_corrupt` of
            the images are corrupt.

    Differs: CFKD's code draws from one random state a worker, so its pairs depend on the
    number of workers.
    """

    def __init__(
        self, sources: Iterable[Source], length: int, seed: int, options: PairOptions
    ) -> None:
        sources = list(sources)
        if not sources:
            raise InputError("no source of training pairs; give at least one")
        if seed < 0:
            raise InputError(f"seed {seed}: must be 0 or more")
        self.sequences = [usable(source, options) for source in sources]
        self.probabilities = shares(sources)
        self.length = length
        self.seed = seed
        self.options = options
        self.reads = 0
        self.corrupt = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> PairBatch:
        if not 0 <= index < self.length:
            raise IndexError(f"pair {index} of {self.length}")
        generator = np.random.default_rng((self.seed, index))
        while True:
            sequence = self._draw_sequence(generator)
            numbers = draw_frames(visible_frames(sequence), self.options.max_gap, generator)
            frames = self._read(sequence, numbers)
            if frames:
                widths = [frame.shape[1] for frame in frames]
                plan = plan_pair(sequence.boxes[list(numbers)], widths, self.options, generator)
                return render([frames], [plan], self.options.size)

    def batch(self, indices: list[int]) -> PairBatch:
        """The pairs of these indices, one after the other."""
        return collate([self[index] for index in indices])

    def _draw_sequence(self, generator: np.random.Generator) -> Sequence:
        return draw_sequence(self.sequences, self.probabilities, generator)

    def _read(self, sequence: Sequence, numbers: tuple[int, int]) -> list[Frame]:
        """The two frames, or none if one is corrupt; a still is decoded once."""
        frames: dict[int, Frame] = {}
        for number in dict.fromkeys(numbers):
            self.reads += 1
            try:
                frames[number] = annotated_frame(sequence, number)
            except InputError as error:
                self._count_corrupt(str(error))
                return []
        return [frames[number] for number in numbers]

    def _count_corrupt(self, message: str) -> None:
        self.corrupt += 1
        if self.corrupt > self.options.max_corrupt * max(self.reads, FEWEST_READS):
            raise InputError(
                f"{self.corrupt} of {self.reads} training images are of no use, more than "
                f"{self.options.max_corrupt:.0%}; unpack the data anew. The last one: {message}"
            )
        warnings.warn(f"training image left out: {message}", stacklevel=2)


def collate(pairs: list[PairBatch]) -> PairBatch:
    """Pairs one after the other, as one batch."""
    return PairBatch(*(torch.cat(field) for field in zip(*pairs, strict=True)))


def usable(source: Source, options: PairOptions) -> list[Sequence]:
    """The sequences of a source that pairs can be drawn from.

    Raises:
        InputError: if there is none.
    """
    sequences = [sequence for sequence in source.sequences if _is_usable(sequence, options)]
    if not sequences:
        raise InputError(
            f"source {source.name}: no sequence can be used; a video needs {options.min_length} "
            f"frames, {options.min_visible} of them with a target, a still needs a target"
        )
    return sequences


def _is_usable(sequence: Sequence, options: PairOptions) -> bool:
    visible = visible_frames(sequence).sum()
    if len(sequence) == 1:
        return bool(visible)
    return len(sequence) >= options.min_length and bool(visible >= options.min_visible)


def shares(sources: list[Source]) -> Float[np.ndarray, "n"]:
    """Probability of each source.

    Raises:
        InputError: if a weight is not a positive number.
    """
    for source in sources:
        if not 0 < source.weight < np.inf:
            raise InputError(f"source {source.name}: weight {source.weight:g} must be positive")
    weights = np.array([source.weight for source in sources], dtype=float)
    return weights / weights.sum()


def draw_sequence(
    sources: list[list[Sequence]],
    probabilities: Float[np.ndarray, "n"],
    generator: np.random.Generator,
) -> Sequence:
    """A source by its probability, and any of its sequences."""
    sequences = sources[generator.choice(len(sources), p=probabilities)]
    return sequences[generator.integers(len(sequences))]


def visible_frames(sequence: Sequence) -> Bool[np.ndarray, "t"]:
    """Frames whose target is visible and has an area; NaN has none."""
    return sequence.visible & (sequence.boxes[:, 2:] > 0).all(axis=1)


def annotated_frame(sequence: Sequence, number: int) -> Frame:
    """A frame whose annotated box it holds at least a part of.

    Raises:
        InputError: if it cannot be decoded, or the box lies outside: then the two do not belong
            together, as after images were resized.
    """
    frame = sequence.frames[number]
    height, width = frame.shape[:2]
    x, y, w, h = sequence.boxes[number]
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise InputError(
            f"sequence {sequence.name}, frame {number}: box {x:g},{y:g},{w:g},{h:g} lies outside "
            f"the picture of {width} x {height} px; annotate the images as they are"
        )
    return frame


def draw_frames(
    visible: Bool[np.ndarray, "t"], max_gap: int, generator: np.random.Generator
) -> tuple[int, int]:
    """Numbers of the target's and the search patch's frame.

    The first is uniform among the visible frames, the second among those from `max_gap` before
    the first to just short of `max_gap` after it. They may be the same frame, as in a still.

    Source: The original, exactly, section 4.
    Differs: CFKD's code widens the gap until a frame is found. As the target's own frame
    counts, one always is; so here nothing widens.
    """
    candidates = np.flatnonzero(visible)
    target = generator.choice(candidates)
    near = candidates[(candidates >= target - max_gap) & (candidates < target + max_gap)]
    return int(target), int(generator.choice(near))


def render(frames: list[list[Frame]], plans: list[PairPlan], size: int) -> PairBatch:
    """The patches that are planned, cut from the frames of each pair.

    Args:
        frames: of each pair: the target's and the search patch's.
        size: side of a patch, px.
    """
    cpu = torch.device("cpu")
    target, search = (
        patches.to_images(
            [
                patches.warp(pair[which], np.diag(crop.steps), crop.corner, size)
                for pair, plan in zip(frames, plans, strict=True)
                for crop in (plan.crops[which],)
            ],
            cpu,
        )
        for which in (0, 1)
    )
    return labelled(target, search, plans)


def labelled(
    target: Float[Tensor, "b 3 s s"], search: Float[Tensor, "b 3 s s"], plans: list[PairPlan]
) -> PairBatch:
    """Patches in their planned colours, with the plans' boxes."""

    def stacked(values: list) -> Tensor:
        return torch.from_numpy(np.array(values)).to(target)

    grey = stacked([plan.grey for plan in plans]).bool()
    factors = stacked([plan.brightness for plan in plans])
    return PairBatch(
        recolour(target, grey, factors[:, 0]),
        recolour(search, grey, factors[:, 1]),
        stacked([plan.target_box for plan in plans]),
        stacked([plan.search_box for plan in plans]),
        stacked([plan.proposals for plan in plans]),
        stacked([plan.proposal_iou for plan in plans]),
    )


def recolour(
    images: Float[Tensor, "b 3 s s"], grey: Bool[Tensor, "b"], factors: Float[Tensor, "b"]
) -> Float[Tensor, "b 3 s s"]:
    """RGB in [0, 1] without its colour where `grey`, made brighter by `factors`, and clamped."""
    luma = torch.einsum("bchw,c->bhw", images, images.new_tensor(LUMA))
    images = torch.where(grey[:, None, None, None], luma[:, None], images)
    return (images * factors[:, None, None, None]).clamp_(0, 1)
