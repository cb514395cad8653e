"""Does a backbone tell the target from its look-alikes? Its correlation map, and the rivals in it.

Source: the idea of thesis Fig. 4.1, p. 41: the target's block 4 features, sought in a patch.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core import boxes
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.losses import correlation
from cfkd_core.models.backbones import Backbone
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.ops import channel_energy
from cfkd_core.patches import Patch, crop, to_images

SIZE, SCALE = 288, 5.0  # of ATOM's patches: px, and sides of the target
NEIGHBOURHOOD = 1.5
"""Sides of the target: what lies further off than half of this is a rival, not the target."""

_STRIDE = STRIDES[3]


class Response(NamedTuple):
    """The target of a film's first frame, sought in a later one.

    Attributes:
        patch: the search patch.
        box: of the target in it, patch px.
        energy: the backbone's block 4 there, summed up over its channels.
        scores: correlation of block 4 with the target's features, divided by the highest.
    """

    patch: Patch
    box: Float[np.ndarray, "4"]
    energy: Float[Tensor, "h w"]
    scores: Float[Tensor, "h w"]


@torch.no_grad()
def seek(backbone: Backbone, film: Sequence, frame: int) -> Response:
    """Seeks the target of the first frame in another, around where it truly is."""
    first, then = (_look(film, t) for t in (0, frame))
    pyramid = backbone(to_images([first.pixels, then.pixels], next(backbone.parameters()).device))
    block4 = pyramid.block4
    target_box = torch.from_numpy(first.to_patch(film.boxes[0])).to(block4)[None]
    kernel = correlation.target_kernels(block4[:1], target_box, _STRIDE)
    scores = correlation.response(block4[1:], kernel)[0]
    return Response(
        then,
        then.to_patch(film.boxes[frame]),
        channel_energy(block4[1:])[0],
        scores / scores.max(),
    )


def _look(film: Sequence, frame: int) -> Patch:
    box = film.boxes[frame]
    side = SCALE * float(np.sqrt(boxes.area(box)))
    return crop(film.frames[frame], boxes.centre(box), side, SIZE)


def rival(response: Response) -> float:
    """The highest score away from the target, as a share of the highest upon it.

    Above 1 the look-alike would be taken for the target.
    """
    height, width = response.scores.shape
    middle = boxes.centre(response.box)
    y, x = np.mgrid[:height, :width]
    reach = NEIGHBOURHOOD * response.box[2:] / 2
    near = (abs(x * _STRIDE - middle[0]) <= reach[0]) & (abs(y * _STRIDE - middle[1]) <= reach[1])
    scores = response.scores.cpu().numpy()
    return float(scores[~near].max() / scores[near].max())


def peaks(scores: Float[Tensor, "h w"], share: float = 0.5) -> int:
    """Local maxima that are at least `share` of the highest; a plateau counts once a cell."""
    highest = functional.max_pool2d(scores[None], 3, stride=1, padding=1)[0]
    return int(((scores == highest) & (scores >= share * scores.max())).sum())


def rivals(backbone: Backbone, films: Iterable[Sequence], every: int) -> Float[np.ndarray, "_"]:
    """`rival` in every so many frames of each film in which the target is visible."""
    return np.array(
        [
            rival(seek(backbone, film, t))
            for film in films
            for t in range(every, len(film), every)
            if film.visible[t]
        ]
    )
