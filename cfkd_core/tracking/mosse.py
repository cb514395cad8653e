"""The correlation filter in closed form, and the tracker that is little more than it."""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Complex, Float, UInt8
from torch import Tensor

from cfkd_core import boxes, ops, patches
from cfkd_core.tracking.tracker import Frame, Prediction, Status, check_frame


class CorrelationFilter(NamedTuple):
    """The two means of which the filter is the quotient, so that later samples can be mixed in."""

    numerator: Complex[Tensor, "c h f"]
    denominator: Float[Tensor, "h f"]


def train(samples: Float[Tensor, "n c h w"], label: Float[Tensor, "h w"]) -> CorrelationFilter:
    r"""The filter whose circular correlation with each sample should give `label`.

    .. math:: \hat w_i = \frac{\sum_t \hat g^* \odot \hat x_{ti}}
                              {\sum_t \sum_j \hat x_{tj} \odot \hat x_{tj}^* + \lambda}

    With the λ that `respond` adds it minimises the mean over samples of ‖Σᵢ xᵢ ⋆ wᵢ − g‖² + λ‖w‖²:
    exactly for one channel, and for one sample; for several of both it is an approximation.

    Source: thesis eq. 1.2, p. 9; the sum over samples from Bolme et al. (CVPR 2010), eq. 12.
    """
    spectra = torch.fft.rfft2(samples)
    return CorrelationFilter(
        numerator=(torch.fft.rfft2(label).conj() * spectra).mean(0),
        denominator=spectra.abs().square().sum(1).mean(0),
    )


def mix(old: CorrelationFilter, new: CorrelationFilter, rate: float) -> CorrelationFilter:
    """Running average: `rate` of the new filter's means, the rest of the old.

    Source: Bolme et al., eq. 10 to 12.
    """
    return CorrelationFilter(
        numerator=torch.lerp(old.numerator, new.numerator, rate),
        denominator=torch.lerp(old.denominator, new.denominator, rate),
    )


def respond(
    correlation_filter: CorrelationFilter, sample: Float[Tensor, "c h w"], regularisation: float
) -> Float[Tensor, "h w"]:
    """Circular correlation of `sample` with the filter: high where the target is.

    Args:
        regularisation: λ, in units of the power spectrum; a sample of unit norm has mean power 1.
    """
    weights = correlation_filter.numerator / (correlation_filter.denominator + regularisation)
    spectrum = (torch.fft.rfft2(sample) * weights.conj()).sum(0)
    return torch.fft.irfft2(spectrum, s=sample.shape[-2:])


def peak_to_sidelobe(response: Float[Tensor, "h w"], exclude: int = 11) -> float:
    """How far the peak stands out: its height over the rest's mean, in deviations of the rest.

    0 where nothing stands out because all is flat.

    Args:
        exclude: side in cells of the square around the peak that is not the rest.

    Source: Bolme et al., section 3.5.
    """
    row, column = divmod(int(response.argmax()), response.shape[1])
    rest = torch.ones_like(response, dtype=torch.bool)
    reach = exclude // 2
    rest[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = False
    deviation, mean = torch.std_mean(response[rest])
    return float((response.max() - mean) / deviation) if deviation > 0 else 0.0


def hann_window(size: int) -> Float[Tensor, "{size} {size}"]:
    """A bell of cosines, 1 in the middle and 0 at the border."""
    line = torch.hann_window(size, periodic=False)
    return line[:, None] * line


def prepare(
    pixels: UInt8[np.ndarray, "s s 3"], window: Float[Tensor, "s s"]
) -> Float[Tensor, "1 s s"]:
    """One channel of log brightness without its mean, under `window`, of unit norm.

    Source: Bolme et al., section 3.1.
    """
    grey = torch.from_numpy(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)).float()
    bright = torch.log1p(grey)
    sample = (bright - bright.mean()) * window
    return (sample / sample.norm().clamp(min=1e-9))[None]


@dataclass(frozen=True)
class MosseOptions:
    """Source, where not said otherwise: Bolme et al., sections 3.2 to 3.5."""

    size: int = 96  # side of the patch, px (ours)
    padding: float = 2.5  # side of the patch / side of the target (ours)
    sigma: float = 2.0  # of the label, patch px
    rate: float = 0.125
    regularisation: float = 0.01  # of the mean power (ours)
    views: int = 8  # small distortions of the first frame
    lost_below: float = 7.0  # peak to sidelobe ratio


class MosseTracker:
    """Follows the centre of a target whose size does not change.

    Differs: Bolme et al. filter a window of the target's own size; this one sees its surroundings.
    """

    name = "mosse"

    def __init__(self, options: MosseOptions | None = None, *, seed: int = 0) -> None:
        self.options = options or MosseOptions()
        self.seed = seed
        size = self.options.size
        self._window = hann_window(size)
        self._label = ops.gaussian_label(
            torch.full((2,), float(size // 2)), size, self.options.sigma
        )

    @property
    def card(self) -> dict:
        """What decides the answers."""
        return {"seed": self.seed, "options": asdict(self.options)}

    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Trains on the first frame and small turns and stretches of it."""
        check_frame(frame)
        box = boxes.check(box, frame.shape[1], frame.shape[0])
        self._centre, self._extent = boxes.centre(box), box[2:]
        self._side = self.options.padding * math.sqrt(boxes.area(box))
        generator = np.random.default_rng(self.seed)
        views = [
            self._sample(frame),
            *(self._distorted(frame, generator) for _ in range(self.options.views)),
        ]
        self._filter = train(torch.stack(views), self._label)

    def update(self, frame: Frame) -> Prediction:
        """Moves to the peak; learns the new look unless the peak is too faint to be believed."""
        check_frame(frame)
        response = respond(self._filter, self._sample(frame), self.options.regularisation)
        score = peak_to_sidelobe(response)
        status: Status = "lost" if score < self.options.lost_below else "normal"
        if status == "normal":
            size = self.options.size
            row, column = divmod(int(response.argmax()), size)
            moved = np.array([column, row]) - size // 2
            self._centre = self._centre + moved * self._side / size
            seen = train(self._sample(frame)[None], self._label)
            self._filter = mix(self._filter, seen, self.options.rate)
        return Prediction(boxes.from_centre(self._centre, self._extent), score, status)

    def _sample(self, frame: Frame) -> Float[Tensor, "1 s s"]:
        patch = patches.crop(frame, self._centre, self._side, self.options.size)
        return prepare(patch.pixels, self._window)

    def _distorted(self, frame: Frame, generator: np.random.Generator) -> Float[Tensor, "1 s s"]:
        """The present patch turned by up to 0.1 rad and scaled by up to 5 %."""
        angle, zoom = generator.uniform([-0.1, 0.95], [0.1, 1.05])
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        linear = turn * zoom * self._side / self.options.size
        corner = self._centre - linear @ np.full(2, self.options.size / 2)
        return prepare(patches.warp(frame, linear, corner, self.options.size), self._window)
