r"""The first frame tells the head how far this target reaches.

A head that was trained on whole objects looks for an object's edges; a target may be a face, and
its body would fit the head better. In the first frame the right answer is known, for any box: the
target's vectors m are moved until the head gives it, by Gauss-Newton steps on

.. math:: \frac1n \sum_j \bigl( h_j(m) - o_j \bigr)^2 + \frac{\lambda}{s^2} \lVert m - m_0 \rVert^2

with what the head says of box j, :math:`h_j`, its true overlap, :math:`o_j`, the vectors that the
head makes of the target, :math:`m_0`, and their mean square, :math:`s^2`.
A step may lead too far: the best point on the way is taken.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes
from cfkd_core.models.iou_head import IoUHead, Modulation, Pooled, SearchFeatures


@dataclass(frozen=True)
class AttuneOptions:
    """How much is learnt; ATOM and the thesis learn nothing here: `steps=0`."""

    steps: int = 0
    regularisation: float = 1e-3
    proposals: int = 64  # in each view
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
    proposals = around(targets, options, generator)
    overlaps = 2 * boxes.iou(proposals, targets[:, None].expand_as(proposals)) - 1
    # each box in a batch of its own: so has each its own slope in the vectors
    pooled = Pooled(*(each.flatten(0, 1)[:, None] for each in head.pool(features, proposals)))
    start = torch.cat(modulation, dim=1)[0].double()
    weight = options.regularisation / start.square().mean()
    best, found, least = start, start, torch.inf
    for step in range(options.steps + 1):
        judged, slopes = _linearised(head, pooled, found.to(targets))
        lacking, moved = overlaps.flatten().double() - judged, found - start
        misfit = float(lacking.square().mean() + weight * moved.square().sum())
        if misfit < least:
            best, least = found, misfit
        if step < options.steps:
            normal = slopes.T @ slopes / len(slopes)
            normal.diagonal().add_(weight)
            downhill = slopes.T @ lacking / len(slopes) - weight * moved
            found = found + torch.linalg.solve(normal, downhill)
    return Modulation(*best.to(targets)[None].chunk(2, dim=1))


def _linearised(
    head: IoUHead, pooled: Pooled, vectors: Float[Tensor, "both"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n both"]]:
    """What the head says of each box, and the slope of that in both vectors; in double."""
    own = vectors.expand(len(pooled.level3), -1).clone().requires_grad_()
    with torch.enable_grad():
        judged = head.judge(pooled, Modulation(*own.chunk(2, dim=1)))[:, 0]
        (slopes,) = torch.autograd.grad(judged.sum(), own)
    return judged.detach().double(), slopes.double()


def around(
    targets: Float[Tensor, "v 4"], options: AttuneOptions, generator: torch.Generator
) -> Float[Tensor, "v p 4"]:
    """Boxes with a random centre and size around each target."""
    noise = torch.rand(len(targets), options.proposals, 4, generator=generator).to(targets) - 0.5
    side = boxes.area(targets).sqrt()[:, None, None]
    centres = boxes.centre(targets)[:, None] + options.position_jitter * side * noise[..., :2]
    sizes = targets[:, None, 2:] * (options.size_jitter * noise[..., 2:]).exp()
    return boxes.from_centre(centres, sizes)
