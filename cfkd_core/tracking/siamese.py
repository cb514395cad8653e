"""A tracker that matches and never learns: what a Siamese tracker is, on a trunk made for ImageNet.

The target's features of the first frame are laid on the features of each later search patch, at
every place; the box follows the best match and keeps its size.
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core import boxes, ops
from cfkd_core.models.backbones import Backbone
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.patches import Patch, crop, to_images
from cfkd_core.tracking.tracker import Frame, Prediction, check_frame


@dataclass(frozen=True)
class SiameseOptions:
    """What can be set.

    Source: Bertinetto et al., SiamFC (ECCV Workshops 2016), for the sizes, the context and the
        window.
    Differs: its 127 and 255 px are 128 and 256 here, whole cells of a padded trunk.
    """

    target_size: int = 128  # side of the target patch, px
    search_size: int = 256  # side of the search patch, px
    context: float = 2.0  # side of the target patch / sqrt(w h) of the target
    window: float = 0.176  # how much nearness counts beside likeness
    block: int = 3  # of the backbone, 1 to 4


class Match(NamedTuple):
    """One search patch and what was found in it.

    Attributes:
        features: of the search patch, each cell of length 1.
        scores: mean cosine of the target's cells with those under them, at each place where the
            target's features fit; the middle one is no motion.
    """

    patch: Patch
    features: Float[Tensor, "c h w"]
    scores: Float[Tensor, "y x"]


class SiameseTracker:
    """Follows one target by matching features of a backbone that stays as it is.

    Attributes:
        template: the target's features, as `init` saw them.
        box: after the last frame, px of the frame.
    """

    name = "siamese"

    def __init__(self, backbone: Backbone, options: SiameseOptions | None = None) -> None:
        self.backbone = backbone.eval()
        self.options = options or SiameseOptions()

    @property
    def card(self) -> dict:
        """What decides the answers, but for the weights."""
        return {"backbone": self.backbone.name, "options": asdict(self.options)}

    def init(self, frame: Frame, box: Float[np.ndarray, "4"]) -> None:
        """Keeps the features of the target; that is all there is to learn."""
        check_frame(frame)
        self.box = boxes.check(box, frame.shape[1], frame.shape[0])
        side = self.options.context * float(np.sqrt(boxes.area(self.box)))
        self._scale = side / self.options.target_size
        patch = crop(frame, boxes.centre(self.box), side, self.options.target_size)
        features = self.features(patch)
        # the patch has the target in its middle; around it is background, and the trunk's padding
        edge = round(features.shape[-1] * (1 - 1 / self.options.context) / 2)
        self.template = features[:, edge:-edge, edge:-edge] if edge else features

    def update(self, frame: Frame) -> Prediction:
        """Goes to where the target's features fit best."""
        check_frame(frame)
        match = self.look(frame)
        limit = np.array([frame.shape[1], frame.shape[0]], dtype=float)
        moved = boxes.centre(self.box) + self.displacement(match) * match.patch.scale
        self.box = boxes.from_centre(np.clip(moved, 0, limit), self.box[2:])
        return Prediction(self.box, float(match.scores.max()), "normal")

    def look(self, frame: Frame) -> Match:
        """Matches around the last known place; changes nothing."""
        side = self._scale * self.options.search_size
        patch = crop(frame, boxes.centre(self.box), side, self.options.search_size)
        features = self.features(patch)
        return Match(patch, features, match(features, self.template))

    def displacement(self, found: Match) -> Float[np.ndarray, "2"]:
        """(x, y) from the middle of the patch to the best place, patch px."""
        stride = STRIDES[self.options.block - 1]
        cells = found.scores.shape[-1]
        size = (cells - 1) * stride + 1
        fine = functional.interpolate(
            found.scores[None, None], (size, size), mode="bicubic", align_corners=True
        )[0, 0]
        hann = torch.hann_window(size, periodic=False)
        near = hann[:, None] * hann
        weight = self.options.window
        best = int(((1 - weight) * fine + weight * near).argmax())
        return np.array([best % size, best // size], dtype=float) - (size - 1) / 2

    @torch.no_grad()
    def features(self, patch: Patch) -> Float[Tensor, "c h w"]:
        """One block of the backbone, each cell scaled to length 1."""
        pyramid = self.backbone(to_images([patch.pixels], self.backbone.mean.device))
        return functional.normalize(pyramid[self.options.block - 1][0], dim=0).cpu()


def match(search: Float[Tensor, "c h w"], template: Float[Tensor, "c n m"]) -> Float[Tensor, "y x"]:
    """Mean inner product of the template's cells with the search's, wherever the template fits."""
    cells = template.shape[1] * template.shape[2]
    return ops.cross_correlate(search[None], template[None])[0] / cells
