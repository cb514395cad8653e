"""Toy videos that carry their own answers, and trackers that read them."""

import collections.abc
from collections.abc import Callable

import numpy as np
import pytest

from cfkd_core.datasets.sequence import Sequence
from cfkd_core.tracking.tracker import Prediction


class _Film(collections.abc.Sequence):
    """Frames that know their number: pixel (0, 0) holds its low byte, (0, 1) its high byte."""

    def __init__(self, length: int, size: tuple[int, int] = (40, 60)):
        self.length, self.size = length, size

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        index = range(self.length)[index]
        frame = np.zeros((*self.size, 3), np.uint8)
        frame[0, :2, 0] = index % 256, index // 256
        return frame


def _number(frame: np.ndarray) -> int:
    """The number of a `_Film`'s frame."""
    return int(frame[0, 0, 0]) + 256 * int(frame[0, 1, 0])


class _Scripted:
    """Answers the box that `script` gives for a frame's number; notes what it was shown."""

    name = "scripted"
    card: dict = {}  # noqa: RUF012
    seed = 0

    def __init__(self, script: Callable[[int], list[float]]):
        self.script = script
        self.inits: list[int] = []
        self.shown: list[int] = []

    def init(self, frame, box):
        self.inits.append(_number(frame))
        self.shown.append(_number(frame))

    def update(self, frame):
        self.shown.append(_number(frame))
        return Prediction(np.array(self.script(_number(frame)), float), 1.0, "normal")


@pytest.fixture(scope="session")
def scripted():
    """The class of scripted trackers."""
    return _Scripted


@pytest.fixture(scope="session")
def still_film():
    """A function: length -> a sequence whose target stays at (10, 10, 8, 8)."""

    def make(length: int) -> Sequence:
        boxes = np.tile(np.array([10.0, 10, 8, 8]), (length, 1))
        return Sequence("film", _Film(length), boxes, np.ones(length, bool))

    return make
