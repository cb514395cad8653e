"""How well a head judges boxes, without a tracker around it; and a short look at it with one."""

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes
from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.tracking.load import tracker_for
from cfkd_core.tracking.refine import RefineOptions, ascend
from cfkd_core.tracking.tracker import track


def judge(net: AtomNet, batches: Iterable[PairBatch], options: RefineOptions) -> dict[str, float]:
    """How well predicted overlaps follow the true ones, and what moving the proposals gains.

    Args:
        net: with a head, in `eval` mode.
        batches: pairs that the network has not been trained on.
        options: of the ascent.

    Returns:
        "iou_correlation": Pearson's, over all proposals of all pairs; only for heads that predict
        overlaps. "refinement_gain": mean IoU of the moved proposals with the target, less that of
        the proposals as they were.
    """
    predicted, true, gains = [], [], []
    for batch in batches:
        output, moved = _moved(net, batch, options)
        before = (batch.proposal_iou + 1) / 2
        gains.append((boxes.iou(moved, batch.search_box[:, None]) - before).mean(1))
        if output is not None:
            predicted.append(output.flatten())
            true.append(batch.proposal_iou.flatten())
    found = {"refinement_gain": float(torch.cat(gains).mean())}
    if predicted:
        pair = torch.stack([torch.cat(predicted), torch.cat(true)]).double()
        found["iou_correlation"] = float(np.corrcoef(pair.cpu().numpy())[0, 1])
    return found


def probe(
    net: AtomNet, sequences: Iterable[Sequence], frames: int, preset: str = "thesis"
) -> dict[str, float]:
    """How well the network tracks the beginning of a few videos.

    Args:
        net: with a head, in `eval` mode.
        frames: of each video, the first included.
        preset: the tracker's options; see `tracker_for`.

    Returns:
        "tracking_iou": mean IoU over all frames after the first in which the target is visible.
    """
    found = []
    for sequence in sequences:
        count = min(frames, len(sequence))
        start = range(count)
        trajectory = track(
            tracker_for(net, "probe", preset=preset),
            (sequence.frames[i] for i in start),
            sequence.boxes[0],
        )
        seen = sequence.visible[1:count]
        overlaps = boxes.iou(trajectory.boxes[1:], sequence.boxes[1:count])
        found.append(overlaps[seen])
    return {"tracking_iou": float(np.concatenate(found).mean())}


@torch.no_grad()
def _moved(
    net: AtomNet, batch: PairBatch, options: RefineOptions
) -> tuple[Float[Tensor, "b p"] | None, Float[Tensor, "b p 4"]]:
    """Predicted overlaps, if the head gives any, and the proposals where it moves them."""
    head = net.head_as(ProposalHead)
    modulation = head.modulation(net.backbone(batch.target), batch.target_box)
    features = head.search_features(net.backbone(batch.search))
    if isinstance(head, BoxHead):
        offsets = head.predict(features, modulation, batch.proposals)
        return None, boxes.decode_offsets(batch.proposals, offsets)
    shape = batch.proposals.shape
    ascent = ascend(
        lambda flat: head.predict(features, modulation, flat.view(shape)).flatten(),
        batch.proposals.flatten(0, 1),
        options,
    )
    moved = ascent.path[-1].view(shape)
    return ascent.iou[0].view(shape[:2]), torch.cat(
        [moved[..., :2], moved[..., 2:].clamp(min=1)], -1
    )
