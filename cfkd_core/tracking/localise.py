"""From a score map to a displacement, and how far it can be trusted."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.tracking.tracker import Status


@dataclass(frozen=True)
class LocaliseOptions:
    """When a peak is believed. Scores are the classifier's, about 1 on the target.

    Source: The original, exactly, section 5.1, column ATOM; the VOT settings put a rule out of
        reach to turn it off.
    """

    lost_below: float = 0.25
    distractor_above: float = 0.8  # second peak / first
    hard_negative_above: float = 0.5  # second peak / first
    neighbourhood: float = 2.2  # of the target's size: what belongs to the first peak
    displacement: float = 0.8  # of half the patch: a jump farther than this is unlikely
    window: bool = False  # Hann window on the score map, centred on no motion


class Localisation(NamedTuple):
    """Where the classifier sees the target.

    Attributes:
        displacement: (x, y) from the patch centre, patch px.
        score: height of the peak.
        status: how the frame is judged.
        scores: the score map, one value a patch px; its middle is no motion.
    """

    displacement: Float[np.ndarray, "2"]
    score: float
    status: Status
    scores: Float[np.ndarray, "s s"]


@functools.lru_cache(maxsize=8)
def fourier_matrix(cells: int, size: int) -> Float[Tensor, "{size} {cells}"]:
    r"""The linear map from `cells` samples to `size` values of their trigonometric interpolant.

    .. math:: U_{ui} = \frac{1}{n} \sum_{|k| \le n/2}{}^{'} \cos\frac{2\pi k (u n / s - i)}{n}

    The prime halves the terms k = ±n/2 of an even n, so the interpolant is real and passes through
    the samples: value u = i s / n is cell i.

    Differs: CFKD counts the Nyquist term twice (The original, exactly, section 5.3, step 2); the
        peak moves by less than 1 px.
    """
    positions = torch.arange(size, dtype=torch.float64) * cells / size
    offsets = positions[:, None] - torch.arange(cells, dtype=torch.float64)
    harmonics = torch.arange(-(cells // 2), cells // 2 + 1, dtype=torch.float64)
    weights = torch.ones_like(harmonics)
    if cells % 2 == 0:
        weights[[0, -1]] = 0.5
    waves = torch.cos(2 * torch.pi / cells * harmonics * offsets[..., None])
    return (waves @ weights / cells).float()


def upsample(score_map: Float[Tensor, "h w"], size: int) -> Float[np.ndarray, "{size} {size}"]:
    """The score map, one value a patch px, by Fourier interpolation along each side.

    Source: The original, exactly, section 5.3, step 2. It is linear and separable: two small
        matrix products.
    """
    down, across = (fourier_matrix(cells, size).to(score_map) for cells in score_map.shape)
    return (down @ score_map @ across.T).cpu().numpy()


def _peak(scores: Float[np.ndarray, "s s"]) -> tuple[np.ndarray, float]:
    """Displacement (x, y) from the middle of the map, and height, of its maximum.

    Differs: CFKD takes the highest px; this is the top of the parabola through it and those beside
    it, along x and y, so that rounding never decides between two px that are as high.
    """
    row, column = divmod(int(np.argmax(scores)), len(scores))
    half = len(scores) // 2
    x = column - half + _top(scores[row], column)
    y = row - half + _top(scores[:, column], row)
    return np.array([x, y], dtype=np.float64), float(scores[row, column])


def _top(values: Float[np.ndarray, "s"], highest: int) -> float:
    """How far from its highest value a curve is highest, in places: -0.5 to 0.5."""
    if not 0 < highest < len(values) - 1:
        return 0.0
    before, there, after = map(float, values[highest - 1 : highest + 2])
    bend = before - 2 * there + after
    return (before - after) / (2 * bend) if bend < 0 else 0.0


def _without_peak(
    scores: Float[np.ndarray, "s s"], displacement: np.ndarray, reach: np.ndarray
) -> Float[np.ndarray, "s s"]:
    """The map with 0 in the rectangle of `reach` (w, h) px around a peak."""
    middle = displacement + len(scores) // 2
    left, top = (max(round(edge), 0) for edge in (middle - reach / 2).tolist())
    right, bottom = (round(edge) + 1 for edge in (middle + reach / 2).tolist())
    rest = scores.copy()
    rest[top:bottom, left:right] = 0
    return rest


def _judge(
    first: tuple[np.ndarray, float],
    second: tuple[np.ndarray, float],
    size: int,
    options: LocaliseOptions,
) -> tuple[np.ndarray, Status]:
    """Which of the two highest peaks is the target, and the status.

    Source: The original, exactly, section 5.3, step 4.
    """
    (near, score), (other, other_score) = first, second
    if other_score > options.distractor_above * score:
        likely = options.displacement * size / 2
        first_far, second_far = np.hypot(*near) > likely, np.hypot(*other) > likely
        if second_far and not first_far:
            return near, "hard_negative"
        if first_far and not second_far:
            return other, "hard_negative"
        return near, "uncertain"
    if other_score > max(options.hard_negative_above * score, options.lost_below):
        return near, "hard_negative"
    return near, "normal"


def localise(
    score_map: Float[Tensor, "h w"],
    target_size: Float[np.ndarray, "2"],
    size: int,
    options: LocaliseOptions,
) -> Localisation:
    """Reads the classifier's score map of one search patch.

    Args:
        score_map: cell (h/2, w/2) is no motion (the classifier's kernel is even).
        target_size: (w, h), patch px.
        size: side of the patch, px.
    """
    scores = upsample(score_map, size)
    if options.window:
        hann = np.hanning(size + 1)[:size].astype(np.float32)
        scores = scores * hann[:, None] * hann
    displacement, score = _peak(scores)
    if score < options.lost_below:
        return Localisation(displacement, score, "lost", scores)
    rest = _without_peak(scores, displacement, options.neighbourhood * target_size)
    chosen, status = _judge((displacement, score), _peak(rest), size, options)
    return Localisation(chosen, score, status, scores)
