"""Outputs and batches for the terms, without networks and without images."""

import pytest
import torch

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import STRIDES, Pyramid

STUDENT, TEACHER = (3, 2, 3, 4), (4, 4, 5, 6)
SIZE = 64  # px of a patch: maps of 32, 16, 8 and 4 cells


@pytest.fixture
def make_output():
    """A function: random features and overlaps of two pairs, in float64."""

    def make(seed, channels, pairs=2, size=SIZE, proposals=5) -> AtomOutput:
        generator = torch.Generator().manual_seed(seed)

        def pyramid():
            maps = (
                torch.randn(pairs, c, size // stride, size // stride, generator=generator)
                for c, stride in zip(channels, STRIDES, strict=True)
            )
            return Pyramid(*(features.double().abs() for features in maps))

        iou = torch.rand(pairs, proposals, generator=generator).double() * 2 - 1
        return AtomOutput(iou, pyramid(), pyramid())

    return make


@pytest.fixture
def student(make_output):
    return make_output(1, STUDENT)


@pytest.fixture
def teacher(make_output):
    return make_output(2, TEACHER)


@pytest.fixture
def make_batch():
    """A function: two pairs with these boxes; the images are not what a term looks at."""

    def make(target_box, search_box, proposal_iou=None, size=SIZE) -> PairBatch:
        target_box, search_box = torch.tensor(target_box), torch.tensor(search_box)
        pairs = len(target_box)
        if proposal_iou is None:
            proposal_iou = torch.linspace(-1, 1, 5).repeat(pairs, 1)
        images = torch.zeros(pairs, 3, size, size)
        proposals = torch.zeros(*proposal_iou.shape, 4)
        return PairBatch(images, images, target_box, search_box, proposals, proposal_iou)

    return make


@pytest.fixture
def batch(make_batch):
    return make_batch([[20.5, 24, 14, 18], [23, 21, 17, 11]], [[28, 20, 15, 17], [9.0, 30, 20, 12]])
