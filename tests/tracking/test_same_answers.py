"""Neither threads nor the salt of Python's hashes decide where a target is seen."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.tracking.atom import MATOM, AtomTracker
from cfkd_core.tracking.mosse import MosseTracker
from cfkd_core.tracking.tracker import track

BOX = np.array([30.0, 30, 24, 24])

PROGRAM = """
import sys
from tests.tracking import test_same_answers as case
boxes = case.track(case.make(sys.argv[1]), case.film(), case.BOX).boxes
print(boxes.tobytes().hex())
"""


def film(length: int = 13) -> list[np.ndarray]:
    """A textured square on noise; long enough for the filter to learn once."""
    generator = np.random.default_rng(0)
    ground = generator.integers(60, 120, (90, 120, 3), dtype=np.uint8)
    target = np.kron(generator.integers(0, 255, (6, 6, 3), dtype=np.uint8), np.ones((4, 4, 1)))
    frames = []
    for t in range(length):
        frame = ground.copy()
        frame[30 + t : 54 + t, 30 + 2 * t : 54 + 2 * t] = target
        frames.append(frame)
    return frames


def make(name: str):
    """A tracker with a learnt part, on small patches."""
    if name == "mosse":
        return MosseTracker(seed=3)
    net = AtomNet(imagenet_backbone("mobilenet_v2"), None)
    return AtomTracker(net, replace(MATOM, size=96), seed=3)


@pytest.fixture
def threads():
    """Sets the threads of torch and OpenCV, and sets them back."""
    before = torch.get_num_threads(), cv2.getNumThreads()

    def use(count: int) -> None:
        torch.set_num_threads(count)
        cv2.setNumThreads(count)

    yield use
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize("name", ["mosse", "classifier"])
def test_one_thread_or_two_give_the_same_boxes(name, threads):
    """To a thousandth of a pixel: two threads add the same numbers in another order."""
    found = []
    for count in (1, 2):
        threads(count)
        found.append(track(make(name), film(), BOX))
    np.testing.assert_allclose(found[0].boxes, found[1].boxes, atol=1e-3)
    np.testing.assert_allclose(found[0].scores, found[1].scores, rtol=1e-3)
    assert found[0].statuses == found[1].statuses


def boxes_with(salt: str, name: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": salt, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mosse", "classifier"])
def test_the_salt_of_hashes_is_no_matter(name):
    """Bit for bit, each in a process of its own: a set that is gone through would show here."""
    first, *others = (boxes_with(salt, name) for salt in ("0", "1", "4294967295"))
    assert others == [first, first]
