"""The first frame tells the head how far this target reaches.

A head that was trained on whole objects looks for an object's edges; a target may be a face, and
its body would fit the head better. In the first frame the right answer is known, for any box: the
target's vectors are moved until the head gives it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core import boxes
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures


@dataclass(frozen=True)
class AttuneOptions:
    """How much is learnt; ATOM and the thesis learn nothing here: `steps=0`."""

    steps: int = 0
    learning_rate: float = 0.01  # of Adam
    proposals: int = 32  # in each view
    position_jitter: float = 0.5  # range of the centre, of sqrt(w h)
    size_jitter: float = 1.2  # range of the logarithm of either side


def attune(
    head: IoUHead,
    features: SearchFeatures,
    modulation: Modulation,
    targets: Float[Tensor, "v 4"],
    options: AttuneOptions,
    generator: torch.Generator,
) -> Modulation:
    """The vectors with which the head predicts the overlaps of random boxes with a known target.

    Args:
        head: in evaluation mode; stays as it is.
        features: of `v` views of the target.
        modulation: the one that the head makes of the target; where the search starts.
        targets: where the target lies in each view, px.
    """
    proposals = _around(targets, options, generator)
    overlaps = 2 * boxes.iou(proposals, targets[:, None].expand_as(proposals)) - 1
    pooled = head.pool(features, proposals)
    vectors = [each.detach().clone().requires_grad_() for each in modulation]
    optimiser = torch.optim.Adam(vectors, lr=options.learning_rate)
    with torch.enable_grad():
        for _ in range(options.steps):
            known = Modulation(*(each.expand(len(targets), -1) for each in vectors))
            loss = functional.mse_loss(head.judge(pooled, known), overlaps)
            for each, slope in zip(vectors, torch.autograd.grad(loss, vectors), strict=True):
                each.grad = slope
            optimiser.step()
    return Modulation(*(each.detach() for each in vectors))


def _around(
    targets: Float[Tensor, "v 4"], options: AttuneOptions, generator: torch.Generator
) -> Float[Tensor, "v p 4"]:
    """Boxes with a random centre and size around each target."""
    noise = torch.rand(len(targets), options.proposals, 4, generator=generator).to(targets) - 0.5
    side = boxes.area(targets).sqrt()[:, None, None]
    centres = boxes.centre(targets)[:, None] + options.position_jitter * side * noise[..., :2]
    sizes = targets[:, None, 2:] * (options.size_jitter * noise[..., 2:]).exp()
    return boxes.from_centre(centres, sizes)
