"""What is drawn for a training pair before a pixel is touched: crops, colours, boxes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cfkd_core import boxes
from cfkd_core.boxes import Box, Boxes


@dataclass(frozen=True)
class PairOptions:
    """How pairs are drawn and cropped.

    Source: CFKD's code, which trains teacher and students alike (The original, exactly, section
        4), for all but the last.
    Differs: the thesis speaks of no augmentation: that is `grey=0, brightness=0` (The original,
        exactly, section 2.6, item 5).
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
    target_jitter: float = 0.0  # see `redrawn`; not in CFKD
    proposals: int = 16  # boxes a search patch
    proposal_noise: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.3)  # deviation / sqrt(w h)
    proposal_min_iou: float = 0.1
    max_corrupt: float = 0.01  # share of unreadable images beyond which reading stops: our choice


@dataclass(frozen=True)
class Crop:
    """A square of a frame: the patch's point p shows the frame's point `steps` * p + `corner`.

    Attributes:
        corner: of the patch's top left edge, px of the frame; may lie outside it.
        steps: frame px for each patch px along x and y; x is negative in a mirrored patch.
    """

    corner: Float[np.ndarray, "2"]
    steps: Float[np.ndarray, "2"]

    def to_patch(self, boxes: Boxes) -> Boxes:
        """Boxes of the frame, in px of a patch that is not mirrored."""
        return (boxes - np.append(self.corner, [0, 0])) / np.tile(self.steps, 2)

    def mirrored(self, width: int) -> "Crop":
        """The crop that shows of a frame of `width` px what this shows of the mirrored frame."""
        return Crop(np.array([width - self.corner[0], self.corner[1]]), self.steps * [-1, 1])


@dataclass(frozen=True)
class PairPlan:
    """One pair, as numbers.

    Attributes:
        crops: of the target's and of the search patch's frame.
        target_box, search_box, proposals: px of their patch.
        proposal_iou: 2 * IoU - 1.
        grey: whether both patches lose their colour.
        brightness: of the target and the search patch.
    """

    crops: tuple[Crop, Crop]
    target_box: Float[np.ndarray, "4"]
    search_box: Float[np.ndarray, "4"]
    proposals: Float[np.ndarray, "p 4"]
    proposal_iou: Float[np.ndarray, "p"]
    grey: bool
    brightness: tuple[float, float]


def plan_pair(
    annotation: Float[np.ndarray, "2 4"],
    widths: list[int],
    options: PairOptions,
    generator: np.random.Generator,
) -> PairPlan:
    """Draws all that is random about a pair.

    Args:
        annotation: the target in the target's and the search patch's frame, px of the frames.
        widths: of these frames, px.
    """
    mirrored = generator.random() < options.flip
    if mirrored:
        annotation = annotation.copy()
        annotation[:, 0] = widths - annotation[:, 0] - annotation[:, 2]
    annotation = redrawn(annotation, options.target_jitter, generator)
    target = target_crop(annotation[0], options)
    search = search_crop(annotation[1], options, generator)
    search_box = search.to_patch(annotation[1])
    noise = generator.choice(options.proposal_noise, options.proposals)
    proposals = boxes.jitter(search_box, noise, options.proposal_min_iou, generator)
    bright, dark = 1 + options.brightness, 1 - options.brightness
    crops = (target, search)
    if mirrored:
        crops = (target.mirrored(widths[0]), search.mirrored(widths[1]))
    return PairPlan(
        crops=crops,
        target_box=target.to_patch(annotation[0]),
        search_box=search_box,
        proposals=proposals,
        proposal_iou=2 * boxes.iou(proposals, search_box) - 1,
        grey=bool(generator.random() < options.grey),
        brightness=tuple(generator.uniform(dark, bright, 2).tolist()),
    )


def redrawn(
    annotation: Float[np.ndarray, "2 4"], jitter: float, generator: np.random.Generator
) -> Float[np.ndarray, "2 4"]:
    """Both boxes moved and stretched alike, so that what is sought is no longer a whole object.

    A head that has seen whole objects only looks for an object's edges. A target may be half of
    one, or two: what counts is what the box held in the first frame.

    Args:
        jitter: the centre moves by up to so many sides, and the sides grow by up to so many
            factors of e, in standard deviations; how much of it is drawn for each pair.
    """
    spread = jitter * generator.random()
    shift, growth = spread * generator.standard_normal((2, 2))
    sizes = annotation[:, 2:]
    return boxes.from_centre(boxes.centre(annotation) + shift * sizes, sizes * np.exp(growth))


def _square(centre: Float[np.ndarray, "2"], side: float, size: int) -> Crop:
    return Crop(centre - side / 2, np.full(2, side / size))


def target_crop(box: Box, options: PairOptions) -> Crop:
    """The crop with the target in its middle.

    Differs: CFKD's code rounds the crop's side up to whole px.
    """
    side = options.search_scale * float(np.sqrt(boxes.area(box)))
    return _square(boxes.centre(box), side, options.size)


def search_crop(box: Box, options: PairOptions, generator: np.random.Generator) -> Crop:
    """The crop around a box whose size and centre are wrong, as a tracker's last one is.

    The size is log-normal, the centre uniform in a square of `shift_jitter` wrong sizes.

    Source: The original, exactly, section 4.
    Differs: thesis section 4.1.1 has Gaussian noise on the centre too.
    """
    size = box[2:] * np.exp(options.scale_jitter * generator.standard_normal(2))
    length = float(np.sqrt(size.prod()))
    shift = options.shift_jitter * length * generator.uniform(-0.5, 0.5, 2)
    return _square(boxes.centre(box) + shift, options.search_scale * length, options.size)
