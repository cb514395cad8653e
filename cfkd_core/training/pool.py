"""A fixed number of pairs, with what frozen networks make of them computed once.

Where only a head learns, nearly all of a step is the same each time a pair comes back: the
backbone's features, and all of the teacher but its last layers. Kept, they make a step of mATOM's
head ten times as fast. What is drawn anew each time are the proposals.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import trange

from cfkd_core import boxes
from cfkd_core.datasets.pair_bank import PairBank
from cfkd_core.datasets.pairs import PairBatch, PairDataset
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import Backbone
from cfkd_core.models.iou_head import Modulation, ProposalHead, SearchFeatures
from cfkd_core.models.pyramid import Pyramid

_CHUNK = 16  # pairs whose features are computed at a time


class Known(NamedTuple):
    """What need not be computed of a batch.

    Attributes:
        features: of both patches, by the student's name.
        teacher: the target's vectors and the search features of the teacher's head.
    """

    features: dict[str, tuple[Pyramid, Pyramid]]
    teacher: tuple[Modulation, SearchFeatures] | None


NOTHING = Known({}, None)


class PairPool:
    """The first `size` pairs of a stream, over and over.

    Blocks 1 and 2 are left out, and so are the images: no term but those on a head's answers can
    be asked for.

    Args:
        pairs: where they come from; its length is how many are given out, its seed that of the
            proposals.
        students: whose backbones are frozen.
        teacher: None if there is none.
    """

    def __init__(
        self,
        pairs: PairDataset | PairBank,
        size: int,
        students: Mapping[str, AtomNet],
        teacher: AtomNet | None,
        device: torch.device,
    ) -> None:
        self.pairs, self.size = pairs, size
        self.seed, self.options = pairs.seed, pairs.options
        self.boxes: list[tuple[Tensor, Tensor]] = []
        self._blocks: dict[str, list[tuple[Tensor, ...]]] = {name: [] for name in students}
        self._judgements: list[tuple[Tensor, ...]] = []
        self._teacher = teacher
        for first in trange(0, size, _CHUNK, desc="features", unit="chunk", disable=None):
            batch = pairs.batch(list(range(first, min(first + _CHUNK, size))))
            batch = PairBatch(*(each.to(device) for each in batch))
            self._compute(batch, students, teacher)

    def __len__(self) -> int:
        return len(self.pairs)

    @torch.no_grad()
    def _compute(
        self, batch: PairBatch, students: Mapping[str, AtomNet], teacher: AtomNet | None
    ) -> None:
        self.boxes += list(zip(batch.target_box, batch.search_box, strict=True))
        known: dict[int, list[tuple[Tensor, ...]]] = {}
        for name, net in students.items():
            if id(net.backbone) not in known:
                known[id(net.backbone)] = _rows(_deep_blocks(net.backbone, batch))
            self._blocks[name] += known[id(net.backbone)]
        if teacher is not None:
            head = teacher.head_as(ProposalHead)
            modulation = head.modulation(teacher.backbone(batch.target), batch.target_box)
            search = head.search_features(teacher.backbone(batch.search))
            self._judgements += _rows((*modulation, *search))

    def batch(self, indices: list[int]) -> PairBatch:
        """The pairs of these indices, with proposals of their own and without images."""
        rows = [index % self.size for index in indices]
        target, search = (
            torch.stack(part) for part in zip(*(self.boxes[i] for i in rows), strict=True)
        )
        options = self.options
        drawn = []
        for index, box in zip(indices, search.cpu().double().numpy(), strict=True):
            # a stream of its own: not the one that drew the pair
            generator = np.random.default_rng((self.seed, index, 1))
            noise = generator.choice(options.proposal_noise, options.proposals)
            drawn.append(boxes.jitter(box, noise, options.proposal_min_iou, generator))
        proposals = torch.from_numpy(np.stack(drawn)).to(search)
        nothing = search.new_zeros(len(rows), 3, 0, 0)
        overlap = 2 * boxes.iou(proposals, search[:, None]) - 1
        return PairBatch(nothing, nothing, target, search, proposals, overlap)

    def known(self, indices: list[int]) -> Known:
        """What was computed once, for the pairs of these indices."""
        rows = [index % self.size for index in indices]
        features = {name: _pyramids(_stacked(kept, rows)) for name, kept in self._blocks.items()}
        if self._teacher is None:
            return Known(features, None)
        vector3, vector4, level3, level4 = _stacked(self._judgements, rows)
        return Known(features, (Modulation(vector3, vector4), SearchFeatures(level3, level4)))


def _deep_blocks(backbone: Backbone, batch: PairBatch) -> tuple[Tensor, ...]:
    """Blocks 3 and 4 of the target patch, then of the search patch."""
    return tuple(
        block
        for images in (batch.target, batch.search)
        for block in backbone(images.contiguous(memory_format=torch.channels_last))[2:]
    )


def _rows(maps: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """A tuple a pair, in half the bytes."""
    return list(zip(*(each.to(torch.bfloat16).unbind() for each in maps), strict=True))


def _stacked(kept: list[tuple[Tensor, ...]], rows: list[int]) -> list[Tensor]:
    return [torch.stack(part).float() for part in zip(*(kept[i] for i in rows), strict=True)]


def _pyramids(blocks: list[Tensor]) -> tuple[Pyramid, Pyramid]:
    target3, target4, search3, search4 = blocks
    missing = target3.new_zeros(len(target3), 0, 0, 0)
    return (
        Pyramid(missing, missing, target3, target4),
        Pyramid(missing, missing, search3, search4),
    )
