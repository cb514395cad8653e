"""Training pairs: the same target in two frames, with proposals of known overlap.

A pair depends on the data set's seed and the pair's index and on nothing else. So the number of
worker processes does not matter, and a broken run goes on with the very pairs it has not seen.
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

from cfkd_core import boxes, patches
from cfkd_core.boxes import Box
from cfkd_core.datasets.sequence import Frame, Sequence
from cfkd_core.errors import InputError
from cfkd_core.patches import Patch

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
class PairOptions:
    """How pairs are drawn and cropped.

    Source: CFKD's code, which trains teacher and students alike (facts.md 4), for all but the last.
    Differs: the thesis speaks of no augmentation: that is `grey=0, brightness=0` (facts.md 2.6).
    """

    size: int = 288  # side of both patches, px
    search_scale: float = 5.0  # side of the patch / sqrt(w h) of the target
    max_gap: int = 50  # frames between target and search patch
    min_length: int = 20  # frames of a video that is used
    min_visible: int = 5  # of them with a target
    scale_jitter: float = 0.5  # deviation of the logarithm of the search crop's width and height
    shift_jitter: float = 4.5  # range of the search crop's centre, in jittered target sizes
    grey: float = 0.05  # probability that both patches lose their colour
    brightness: float = 0.2  # each patch is multiplied by a number in 1 -+ brightness
    flip: float = 0.0  # probability that left and right are exchanged in both; not in CFKD
    proposals: int = 16  # boxes a search patch
    proposal_noise: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.3)  # deviation / sqrt(w h)
    proposal_min_iou: float = 0.1
    max_corrupt: float = 0.01  # share of unreadable images beyond which reading stops: our choice


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

    An image that cannot be decoded is named in a warning and counted, and another pair is drawn
    in place of its own. Worker processes count each for itself.

    Attributes:
        reads: images asked for so far.
        corrupt: how many of them could not be decoded.

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
        self.sequences = [_usable(source, options) for source in sources]
        weights = np.array([_checked_weight(source) for source in sources])
        self.probabilities = weights / weights.sum()
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
                annotation = sequence.boxes[list(numbers)]
                return make_pair(frames, annotation, self.options, generator)

    def _draw_sequence(self, generator: np.random.Generator) -> Sequence:
        sequences = self.sequences[generator.choice(len(self.sequences), p=self.probabilities)]
        return sequences[generator.integers(len(sequences))]

    def _read(self, sequence: Sequence, numbers: tuple[int, int]) -> list[Frame]:
        """The two frames, or none if one is corrupt; a still is decoded once."""
        frames: dict[int, Frame] = {}
        for number in dict.fromkeys(numbers):
            self.reads += 1
            try:
                frames[number] = sequence.frames[number]
            except InputError as error:
                self._count_corrupt(str(error))
                return []
        return [frames[number] for number in numbers]

    def _count_corrupt(self, message: str) -> None:
        self.corrupt += 1
        if self.corrupt > self.options.max_corrupt * max(self.reads, FEWEST_READS):
            raise InputError(
                f"{self.corrupt} of {self.reads} training images are corrupt, more than "
                f"{self.options.max_corrupt:.0%}; unpack the data anew. The last one: {message}"
            )
        warnings.warn(f"training image left out: {message}", stacklevel=2)


def collate(pairs: list[PairBatch]) -> PairBatch:
    """Pairs one after the other, as one batch."""
    return PairBatch(*(torch.cat(field) for field in zip(*pairs, strict=True)))


def _usable(source: Source, options: PairOptions) -> list[Sequence]:
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


def _checked_weight(source: Source) -> float:
    if not 0 < source.weight < np.inf:
        raise InputError(f"source {source.name}: weight {source.weight:g} must be positive")
    return source.weight


def visible_frames(sequence: Sequence) -> Bool[np.ndarray, "t"]:
    """Frames whose target is visible and has an area; NaN has none."""
    return sequence.visible & (sequence.boxes[:, 2:] > 0).all(axis=1)


def draw_frames(
    visible: Bool[np.ndarray, "t"], max_gap: int, generator: np.random.Generator
) -> tuple[int, int]:
    """Numbers of the target's and the search patch's frame.

    The first is uniform among the visible frames, the second among those from `max_gap` before
    the first to just short of `max_gap` after it. They may be the same frame, as in a still.

    Source: facts.md 4.
    Differs: CFKD's code widens the gap until a frame is found. As the target's own frame
    counts, one always is; so here nothing widens.
    """
    candidates = np.flatnonzero(visible)
    target = generator.choice(candidates)
    near = candidates[(candidates >= target - max_gap) & (candidates < target + max_gap)]
    return int(target), int(generator.choice(near))


def make_pair(
    frames: list[Frame],
    annotation: Float[np.ndarray, "2 4"],
    options: PairOptions,
    generator: np.random.Generator,
) -> PairBatch:
    """A batch of one pair.

    Args:
        frames: the target's and the search patch's.
        annotation: the target in both, px of the frames.
    """
    # no number is drawn for an option that is off, so that pairs do not depend on it
    if options.flip and generator.random() < options.flip:
        frames, annotation = _mirrored(frames, annotation)
    target = target_patch(frames[0], annotation[0], options)
    search = search_patch(frames[1], annotation[1], options, generator)
    search_box = search.to_patch(annotation[1])
    noise = generator.choice(options.proposal_noise, options.proposals)
    proposals = boxes.jitter(search_box, noise, options.proposal_min_iou, generator)
    images = recolour([target, search], options, generator)
    numbers = (
        target.to_patch(annotation[0]),
        search_box,
        proposals,
        2 * boxes.iou(proposals, search_box) - 1,
    )
    return PairBatch(
        *images.split(1), *(torch.from_numpy(each).float().unsqueeze(0) for each in numbers)
    )


def _mirrored(
    frames: list[Frame], annotation: Float[np.ndarray, "2 4"]
) -> tuple[list[Frame], Float[np.ndarray, "2 4"]]:
    """Both frames and their boxes with left and right exchanged."""
    flipped = annotation.copy()
    widths = np.array([frame.shape[1] for frame in frames])
    flipped[:, 0] = widths - annotation[:, 0] - annotation[:, 2]
    return [np.ascontiguousarray(frame[:, ::-1]) for frame in frames], flipped


def target_patch(frame: Frame, box: Box, options: PairOptions) -> Patch:
    """The crop with the target in its middle.

    Differs: CFKD's code rounds the crop's side up to whole px.
    """
    side = options.search_scale * np.sqrt(boxes.area(box))
    return patches.crop(frame, boxes.centre(box), float(side), options.size)


def search_patch(
    frame: Frame, box: Box, options: PairOptions, generator: np.random.Generator
) -> Patch:
    """The crop around a box whose size and centre are wrong, as a tracker's last one is.

    The size is log-normal, the centre uniform in a square of `shift_jitter` wrong sizes.

    Source: facts.md 4.
    Differs: thesis section 4.1.1 has Gaussian noise on the centre too.
    """
    size = box[2:] * np.exp(options.scale_jitter * generator.standard_normal(2))
    length = np.sqrt(size.prod())
    shift = options.shift_jitter * length * generator.uniform(-0.5, 0.5, 2)
    side = options.search_scale * length
    return patches.crop(frame, boxes.centre(box) + shift, float(side), options.size)


def recolour(
    pair: list[Patch], options: PairOptions, generator: np.random.Generator
) -> Float[Tensor, "b 3 s s"]:
    """Both patches in grey, rarely, and each somewhat darker or brighter; RGB in [0, 1]."""
    images = patches.to_images([patch.pixels for patch in pair], torch.device("cpu"))
    if generator.random() < options.grey:
        grey = torch.einsum("bchw,c->bhw", images, torch.tensor(LUMA))
        images = grey.unsqueeze(1).repeat(1, 3, 1, 1)
    factors = generator.uniform(1 - options.brightness, 1 + options.brightness, len(pair))
    images *= torch.from_numpy(factors).float().view(-1, 1, 1, 1)
    return images.clamp_(0, 1)
