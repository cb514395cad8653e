"""The DRNet tracker: ATOM's classifier says where, a box head says how large, in one look.

Source: the DRNet that the thesis distils (section 4.3), in the details of the author's code
(The original, exactly, sections 5.1 and 5.7).
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import IoUHead
from cfkd_core.tracking.classifier import ClassifierOptions
from cfkd_core.tracking.distractors import DistractorProblem
from cfkd_core.tracking.localise import LocaliseOptions
from cfkd_core.tracking.memory import MemoryOptions
from cfkd_core.tracking.online import Look, OnlineOptions, OnlineTracker
from cfkd_core.tracking.runtime import RuntimeName

DRNET = OnlineOptions(
    size=320,
    search_scale=5.5,
    label_sigma=1 / 3,
    classifier=ClassifierOptions(gauss_newton_steps=10),
    memory=MemoryOptions(
        learning_rate=0.0075, hard_negative_learning_rate=0.0075, initial_share=0.0
    ),
    localise=LocaliseOptions(
        lost_below=-1.0,
        distractor_above=100.0,
        hard_negative_above=0.3,
        displacement=0.9,
        window=True,
    ),
)
MDRNET = replace(DRNET, classifier=replace(DRNET.classifier, channels=32))

SHORTEST_SIDE = 1.0  # patch px; as ATOM's refinement, so that no box dwindles to nothing


class DrnetTracker(OnlineTracker):
    """Refines the box by the offsets that the head predicts: no proposals, no steps.

    The filter is fitted with more weight on the samples that it scores worst.

    Args:
        net: its head, if it has one, regresses boxes.
        seed, plain, runtime: see `OnlineTracker`.

    Differs: a box keeps sides of `SHORTEST_SIDE`; the author's code sets no limit.
    """

    filter_problem = DistractorProblem

    def __init__(
        self,
        net: AtomNet,
        options: OnlineOptions = MDRNET,
        *,
        seed: int = 0,
        name: str = "mdrnet",
        plain: bool = False,
        runtime: RuntimeName = "torch",
    ) -> None:
        if isinstance(net.iou_head, IoUHead):
            raise InputError("this network's head predicts IoU (ATOM); DRNet needs a box head")
        super().__init__(net, options, seed=seed, name=name, plain=plain, runtime=runtime)

    @torch.no_grad()
    def refined(self, look: Look) -> Float[np.ndarray, "4"]:
        """The classifier's box, moved and stretched as the head says."""
        head = self._running.head_as(BoxHead)
        placed = self._tensor(look.patch.to_patch(self.box))
        offsets = head.predict(look.for_head(), self.modulation, placed[None, None])[0, 0]
        moved = boxes.decode_offsets(placed, offsets).double().cpu().numpy()
        return boxes.from_centre(boxes.centre(moved), moved[2:].clip(min=SHORTEST_SIDE))
