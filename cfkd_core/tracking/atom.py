"""The ATOM tracker: a classifier says where, an IoU head says how large.

Source: Danelljan et al., ATOM (CVPR 2019); thesis section 3.1; The original, exactly, section 5.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.pyramid import Pyramid
from cfkd_core.tracking.attune import AttuneOptions, attune
from cfkd_core.tracking.augment import View
from cfkd_core.tracking.classifier import ClassifierOptions
from cfkd_core.tracking.climber import Climber
from cfkd_core.tracking.localise import LocaliseOptions
from cfkd_core.tracking.memory import MemoryOptions
from cfkd_core.tracking.online import Look, OnlineOptions, OnlineTracker
from cfkd_core.tracking.refine import Ascent, RefineOptions, ascend, jitter, select, steadied
from cfkd_core.tracking.runtime import RuntimeName, Sight


@dataclass(frozen=True)
class AtomOptions(OnlineOptions):
    """Everything that can be set. Source: The original, exactly, section 5.1."""

    refine: RefineOptions = field(default_factory=RefineOptions)
    attune: AttuneOptions = field(default_factory=AttuneOptions)


ATOM = AtomOptions()
MATOM = replace(ATOM, classifier=ClassifierOptions(channels=32))
# Ours, not in the thesis. The classifier learns twice as fast; a head that has seen little of the
# world is told what the target is, and is not believed at once: where the target is, the classifier
# knows better.
MATOM_TUNED = replace(
    MATOM,
    memory=MemoryOptions(learning_rate=0.02),
    refine=RefineOptions(centre_rate=0.25, size_rate=0.15, size_pull=0.03, aspect_pull=0.15),
    attune=AttuneOptions(steps=4),
)
ATOM_VOT = AtomOptions(
    size=224,
    search_scale=4.0,
    memory=MemoryOptions(learning_rate=0.0075, initial_share=0.0),
    localise=LocaliseOptions(
        lost_below=-1.0,
        distractor_above=100.0,
        hard_negative_above=0.3,
        displacement=0.7,
        window=True,
    ),
)
MATOM_VOT = replace(ATOM_VOT, classifier=ClassifierOptions(channels=32))


class AtomTracker(OnlineTracker):
    """Refines the box by climbing the IoU that the head predicts.

    Args:
        net: its head, if it has one, predicts IoU.
        seed, plain, runtime: see `OnlineTracker`.
    """

    options: AtomOptions

    def __init__(
        self,
        net: AtomNet,
        options: AtomOptions = MATOM,
        *,
        seed: int = 0,
        name: str = "matom",
        plain: bool = False,
        runtime: RuntimeName = "torch",
    ) -> None:
        if isinstance(net.iou_head, BoxHead):
            raise InputError("this network's head regresses boxes (DRNet); ATOM needs an IoU head")
        super().__init__(net, options, seed=seed, name=name, plain=plain, runtime=runtime)

    def glance(self, pyramid: Pyramid) -> Sight:
        """The head's features too, if the target's vectors are to be tuned."""
        head = self._folded.iou_head
        if head is None or not self.options.attune.steps:
            return super().glance(pyramid)
        return Sight(pyramid.block4, head.search_features(pyramid))

    def meet(self, views: list[View], sights: list[Sight], targets: Float[Tensor, "v 4"]) -> None:
        """Tunes the target's vectors, if asked to, and folds them into the head."""
        self._first = self._extent
        if self.options.attune.steps:
            self.modulation = self._tuned(views, sights, targets)
        self._climber = Climber(self.net.head_as(IoUHead), self.modulation)

    def _tuned(
        self, views: list[View], sights: list[Sight], targets: Float[Tensor, "v 4"]
    ) -> Modulation:
        """The target's vectors, tuned to all views that are not turned."""
        upright = [i for i, view in enumerate(views) if not view.angle]
        levels = zip(*(sights[i].features for i in upright), strict=True)
        seen = SearchFeatures(*map(torch.cat, levels))
        options, head = self.options.attune, self._folded.head_as(IoUHead)
        return attune(head, seen, self.modulation, targets[upright], options, self._generator)

    def refined(self, look: Look) -> Float[np.ndarray, "4"] | None:
        """The mean of the proposals that climbed highest, steadied."""
        options = self.options.refine
        found = select(self.climb(look, self.box), options)
        if found is None:
            return None
        scale = look.patch.scale
        size = steadied(found[2:], self._extent / scale, self._first / scale, options)
        start = boxes.centre(look.patch.to_patch(self.box))
        centre = start + options.centre_rate * (boxes.centre(found) - start)
        return boxes.from_centre(centre, size)

    @torch.no_grad()
    def climb(self, look: Look, box: Float[np.ndarray, "4"]) -> Ascent:
        """Proposals around `box` (px of the frame) and their way up; needs a trained head."""
        features, options = look.for_head(), self.options.refine
        placed = look.patch.to_patch(box).astype(np.float32)
        proposals = jitter(placed, options, self._generator)
        if self.plain:
            head = self._running.head_as(IoUHead)
            return ascend(
                lambda moved: head.predict(features, self.modulation, moved[None])[0],
                self._tensor(proposals),
                options,
            )
        return self._climber.climb(features, proposals, options)
