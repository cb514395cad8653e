"""Networks and films so small that a step takes a tenth of a second."""

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.models.atom import Architecture, AtomNet, build
from cfkd_core.training.distill import Distiller

ARCHITECTURES = {
    "student": Architecture("resnet18_t", "iou", 8),
    "teacher": Architecture("resnet18_s", "iou", 16),
}
OPTIONS = PairOptions(size=64, search_scale=2.5, shift_jitter=1.0, proposals=4)


def film(number: int, length: int = 25) -> Sequence:
    """A bright target that moves before noise."""
    generator = np.random.default_rng(number)
    ground = generator.integers(0, 120, (60, 90, 3), np.uint8)
    annotation = np.tile([20.0, 15, 18, 14], (length, 1)) + np.arange(length)[:, None] * [
        1.5,
        1,
        0,
        0,
    ]
    frames = [ground.copy() for _ in range(length)]
    for frame, (x, y, w, h) in zip(frames, annotation.astype(int), strict=True):
        frame[y : y + h, x : x + w] = generator.integers(150, 255, 3)
    return Sequence(f"film{number}", frames, annotation, np.ones(length, bool))


def network(which: str, seed: int) -> AtomNet:
    torch.manual_seed(seed)
    return build(ARCHITECTURES[which])


@pytest.fixture
def make_network():
    """A function: a "student" or "teacher" with the random weights of a seed."""
    return network


@pytest.fixture
def make_distiller():
    """A function: students of these names and terms, before a teacher."""

    def make(terms: dict[str, set[str]], teacher: bool = True) -> Distiller:
        students = {name: network("student", 1) for name in terms}
        return Distiller(students, network("teacher", 2) if teacher else None, terms)

    return make


@pytest.fixture
def make_pairs():
    """A function: so many pairs."""

    def make(length: int, seed: int = 0) -> PairDataset:
        return PairDataset([Source("films", [film(i) for i in range(3)])], length, seed, OPTIONS)

    return make


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    """One process on the CPU, in float32."""
    made = Fabric(accelerator="cpu", devices=1, precision="32-true")
    made.launch()
    return made
