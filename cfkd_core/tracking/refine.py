"""Box refinement: proposals climb the predicted IoU."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes


@dataclass(frozen=True)
class RefineOptions:
    """How proposals are drawn, moved and averaged. Source: The original, exactly, section 5.1.

    The last four are not in ATOM, which believes the head at once: see `steadied` for the three
    that concern the size.
    """

    proposals: int = 10  # the classifier's own box and nine jittered ones
    position_jitter: float = 0.1  # of sqrt(w h)
    size_jitter: float = 0.5  # of sqrt(w h)
    steps: int = 5
    step_length: float = 1.0
    keep: int = 3  # the best of them are averaged
    aspect_limit: float = 6.0
    centre_rate: float = 1.0  # of the way from the classifier's centre to the head's
    size_rate: float = 1.0
    size_pull: float = 0.0
    aspect_pull: float = 0.0


class Ascent(NamedTuple):
    """Proposals on their way up.

    Attributes:
        path: before the first step and after each, patch px.
        iou: predicted 2 IoU - 1 at every point of the path but the last.
    """

    path: Float[Tensor, "t p 4"]
    iou: Float[Tensor, "t-1 p"]


def jitter(
    box: Float[np.ndarray, "4"], options: RefineOptions, generator: torch.Generator
) -> Float[np.ndarray, "p 4"]:
    """`box`, and copies with a random centre and size.

    Source: The original, exactly, section 5.3, step 6.
    Differs: uniform noise, as the code draws it; thesis p. 25 says Gaussian.
    """
    noise = torch.rand(options.proposals - 1, 4, generator=generator).numpy().astype(box.dtype)
    side = np.sqrt(boxes.area(box))
    centres = boxes.centre(box) + options.position_jitter * side * (noise[:, :2] - 0.5)
    sizes = box[2:] + options.size_jitter * side * (noise[:, 2:] - 0.5)
    sizes = np.maximum(sizes, box[2:].min() / 3)
    return np.concatenate([box[None], boxes.from_centre(centres, sizes)])


Judge = Callable[
    [Float[np.ndarray, "p 4"]], tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p 4"]]
]
"""Says of boxes, px of the search patch: predicted 2 IoU - 1, and its slope in x, y, w and h."""


def climb(judge: Judge, proposals: Float[np.ndarray, "p 4"], options: RefineOptions) -> Ascent:
    """Gradient ascent on the predicted IoU, each side moved in proportion to its box's size.

    Args:
        proposals: px of the search patch.

    Source: The original, exactly, section 5.3, step 6; thesis section 3.1, p. 24.
    """
    path, values = [proposals], []
    for _ in range(options.steps):
        current = path[-1]
        iou, slope = judge(current)
        path.append(current + options.step_length * slope * current[:, [2, 3, 2, 3]])
        values.append(iou)
    return Ascent(torch.from_numpy(np.stack(path)), torch.from_numpy(np.stack(values)))


def ascend(
    predict: Callable[[Float[Tensor, "p 4"]], Float[Tensor, "p"]],
    proposals: Float[Tensor, "p 4"],
    options: RefineOptions,
) -> Ascent:
    """`climb` for any prediction that autograd can follow: the plain way, and the reference.

    Args:
        predict: 2 IoU - 1 of each box, differentiable in it.
        proposals: px of the search patch.
    """

    def judge(current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        free = torch.from_numpy(current).to(proposals.device).requires_grad_()
        with torch.enable_grad():
            iou = predict(free)
            (slope,) = torch.autograd.grad(iou.sum(), free)
        return iou.detach().cpu().numpy(), slope.cpu().numpy()

    return climb(judge, proposals.detach().cpu().numpy(), options)


def select(ascent: Ascent, options: RefineOptions) -> Float[np.ndarray, "4"] | None:
    """The mean of the best proposals; None if all have become slivers.

    The scores are those before the last step, as in CFKD (The original, exactly,
    section 5.3, step 6).
    """
    found = ascent.path[-1].numpy().copy()
    found[:, 2:] = np.maximum(found[:, 2:], 1)
    aspect = found[:, 2] / found[:, 3]
    (sound,) = np.nonzero((aspect < options.aspect_limit) & (aspect > 1 / options.aspect_limit))
    if not len(sound):
        return None
    best = np.argsort(-ascent.iou[-1].numpy()[sound], kind="stable")[: options.keep]
    return found[sound[best]].mean(axis=0, dtype=np.float64)


def steadied(
    size: Float[np.ndarray, "2"],
    last: Float[np.ndarray, "2"],
    first: Float[np.ndarray, "2"],
    options: RefineOptions,
) -> Float[np.ndarray, "2"]:
    """A size that follows the head's with a delay, and is drawn back to what it was at first.

    A head that errs a little errs again from there in the next frame, and after a hundred frames
    the box has the size that the head prefers. Of the logarithm of the size, `size_rate` of the
    way to the head's is gone at once; `size_pull` of what the area and `aspect_pull` of what the
    aspect ratio has gained on the first frame's is lost again.

    Args:
        size: the head's answer; any unit that is the same for all three.
        last: of the frame before.
        first: of the first frame.
    """
    gained = np.log(last / first)
    area = gained.mean()
    step = options.size_rate * np.log(size / last)
    pull = options.size_pull * area + options.aspect_pull * (gained - area)
    return last * np.exp(step - pull)
