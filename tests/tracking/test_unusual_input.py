"""Frames and targets that no benchmark has: each is followed, or refused in words."""

import resource
from collections.abc import Iterator
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
import torch

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.tracking.atom import MATOM, AtomTracker
from cfkd_core.tracking.mosse import MosseTracker
from cfkd_core.tracking.opencv import OpenCVTracker
from cfkd_core.tracking.tracker import track


@pytest.fixture
def annotations_unchecked():
    """As users run it: elsewhere in the tests, annotations are checked first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


BOX = np.array([20.0, 20, 40, 30])


@pytest.fixture(scope="module")
def net():
    return AtomNet(imagenet_backbone("mobilenet_v2"), None)


@pytest.fixture(params=["mosse", "classifier", "kcf", "csrt", "mil"])
def tracker(request, net):
    if request.param == "mosse":
        return MosseTracker()
    if request.param == "classifier":  # on small patches: a tenth of the time
        return AtomTracker(net, replace(MATOM, size=96), name="classifier")
    return OpenCVTracker(request.param)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)


def follow(tracker, frames, box=BOX):
    """Finite boxes with an area, or else a failure."""
    trajectory = track(tracker, frames, np.array(box, dtype=float))
    assert np.isfinite(trajectory.boxes).all()
    assert np.isfinite(trajectory.scores).all()
    assert (trajectory.boxes[:, 2:] > 0).all()
    return trajectory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame[..., 0], "repeat the grey channel three times"),
        (lambda frame: np.dstack([frame, frame[..., :1]]), "leave out the fourth channel"),
        (lambda frame: frame.astype(np.uint16) * 257, "uint16 .* scale it to 0 to 255"),
        (lambda frame: frame / 255, "float64 .* scale it to 0 to 255"),
        (lambda frame: frame[:0], "it is empty"),
        (lambda frame: frame.tolist(), "frame of type list: expected an array"),
        (lambda frame: torch.from_numpy(frame), "frame of type Tensor: expected an array"),
    ],
    ids=["grey", "RGBA", "16-bit", "float", "empty", "list", "tensor"],
)
def test_what_is_no_frame_is_refused_with_the_remedy(
    tracker, noise, change, message, annotations_unchecked
):
    with pytest.raises(InputError, match=message):
        tracker.init(change(noise), BOX)
    with pytest.raises(InputError, match=message):
        tracker.update(change(noise))


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: np.ascontiguousarray(frame.transpose(1, 0, 2)).transpose(1, 0, 2),
        lambda frame: np.dstack([frame, frame])[..., :3],
        lambda frame: np.repeat(frame, 2, axis=0)[::2],
        lambda frame: np.ascontiguousarray(frame[..., ::-1])[..., ::-1],
    ],
    ids=["by columns", "of six channels", "every other row", "reversed channels"],
)
def test_frames_need_not_be_contiguous(tracker, noise, change):
    plain = follow(tracker, [noise] * 3)
    strided = change(noise)
    assert not strided.flags.c_contiguous
    np.testing.assert_array_equal(strided, noise)
    if tracker.name == "mil":  # draws otherwise with each tracker
        follow(tracker, [strided] * 3)
    else:
        np.testing.assert_array_equal(follow(tracker, [strided] * 3).boxes, plain.boxes)


def test_a_frame_that_cannot_be_written_to_is_followed_and_left_alone(tracker, noise):
    kept = noise.copy()
    kept.flags.writeable = False
    follow(tracker, [kept] * 3)
    np.testing.assert_array_equal(kept, noise)


def test_blue_and_red_exchanged_is_followed_as_it_is_given(tracker, noise):
    """Nobody can see it in the array; see `check_frame`."""
    found = follow(tracker, [noise[..., ::-1]] * 3)
    np.testing.assert_allclose(found.boxes[-1], BOX, atol=6)


def test_the_size_may_change_midway(tracker, noise):
    """As a stream's does: every frame has its own border."""
    sizes = [(96, 128), (50, 60), (40, 128), (96, 128)]
    follow(tracker, iter([noise[:h, :w] for h, w in sizes]))


@pytest.mark.parametrize("level", [0, 7, 255])
def test_nothing_to_see(tracker, level):
    """A flat picture has no peak: MOSSE used to divide nothing by nothing, and leapt away."""
    flat = np.full((96, 128, 3), level, np.uint8)
    trajectory = follow(tracker, [flat] * 3)
    if tracker.name == "mosse":
        assert trajectory.statuses[1:] == ("lost", "lost")
        np.testing.assert_array_equal(trajectory.boxes[-1], BOX)


# CSRT fails on small targets. MIL would search for ever on them, and finds nothing that is not the
# target where it fills the frame.
NEEDS = {
    "csrt": ["draw another box, or take another"],
    "mil": ["it needs 10 px a side", "draw another box, or take another"],
}


def follow_or_say_why(tracker, frames, box):
    """OpenCV's trackers may refuse a target, but in these words."""
    refused = ""
    try:
        follow(tracker, frames, box)
    except InputError as error:
        refused = str(error)
    assert refused == "" or any(words in refused for words in NEEDS.get(tracker.name, []))


def test_a_frame_of_one_pixel(tracker):
    frame = np.full((1, 1, 3), 7, np.uint8)
    follow_or_say_why(tracker, [frame] * 3, [0, 0, 1, 1])


@pytest.mark.parametrize(
    "box",
    [
        [20, 20, 1, 1],
        [20.5, 20.5, 0.01, 0.01],
        [20, 2, 1, 90],
        [127.9, 95.9, 40, 30],
    ],
    ids=["one px", "a hundredth", "a line", "a tenth of a px inside"],
)
def test_small_targets(tracker, noise, box):
    follow_or_say_why(tracker, [noise] * 3, box)


@pytest.mark.parametrize(
    "box",
    [[-50, -50, 400, 300], [-5e5, -5e5, 1e6, 1e6], [-20, -15, 40, 30]],
    ids=["larger than the frame", "a million px", "three quarters outside"],
)
def test_targets_beyond_the_frame(tracker, noise, box):
    follow_or_say_why(tracker, [noise] * 3, box)


@pytest.mark.parametrize(
    "box", [[20, 20, 1e-3, 5], [20, 20, 5, 1e-300], [-5e6, -5e6, 1e7, 1e7], [-1e308, 0, 1.5e308, 9]]
)
def test_sides_that_no_object_has_are_refused(tracker, noise, box):
    with pytest.raises(InputError, match=r"width and height must be 0\.01 to 1e\+06 px"):
        tracker.init(noise, np.array(box))


def test_8k(tracker):
    quarter = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), dtype=np.uint8)
    frame = np.tile(quarter, (4, 4, 1))
    if tracker.name in ("csrt", "mil"):
        pytest.skip("OpenCV's own, seconds a frame; its arithmetic does not depend on the frame")
    found = follow(tracker, [frame] * 2, [7000, 4000, 60, 40])
    np.testing.assert_allclose(found.boxes[-1], [7000, 4000, 60, 40], atol=4)


def leaving_and_coming_back() -> tuple[list[np.ndarray], np.ndarray]:
    """A textured square that leaves to the right, stays away, and comes back the same way."""
    generator = np.random.default_rng(1)
    ground = generator.integers(90, 110, (120, 160, 3), dtype=np.uint8)
    coarse = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
    target = np.kron(coarse, np.ones((4, 4, 1), np.uint8))
    path = [*range(90, 162, 6), *[170] * 8, *range(156, 84, -6)]
    frames = []
    for x in path:
        frame = ground.copy()
        seen = max(0, 160 - x)
        frame[44:76, x : x + 32] = target[:, :seen]
        frames.append(frame)
    return frames, np.array([[x, 44, 32, 32] for x in path], dtype=float)


def test_a_target_that_leaves_is_lost_and_found_again(net):
    frames, truth = leaving_and_coming_back()
    tracker = AtomTracker(net, replace(MATOM, size=144))
    trajectory = follow(tracker, frames, truth[0])
    away = truth[:, 0] >= 160
    assert "lost" in {
        status for status, gone in zip(trajectory.statuses, away, strict=True) if gone
    }
    assert boxes.iou(trajectory.boxes[-1], truth[-1]) > 0.5


class Stream:
    """Frames made as they are asked for: a bright square that goes round a grey field."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[np.ndarray]:
        ground = np.random.default_rng(0).integers(60, 90, (96, 128, 3), dtype=np.uint8)
        for number in range(self.count):
            x, y = 48 + round(20 * np.cos(number / 40)), 32 + round(20 * np.sin(number / 40))
            frame = ground.copy()
            frame[y : y + 24, x : x + 24] = (230, 200, 40)
            yield frame


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mosse", "classifier"])
def test_memory_stays_flat_over_10_000_frames(name, net):
    tracker = MosseTracker()
    if name == "classifier":
        tracker = AtomTracker(net, replace(MATOM, size=64))
    peaks = []

    def watch(frame, prediction):
        if len(peaks) in (5000, 9999):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        else:
            peaks.append(0)

    trajectory = track(tracker, Stream(10_000), np.array([68.0, 32, 24, 24]), watch)
    assert len(trajectory.boxes) == 10_000
    # kB; the answers themselves are some 2 MB, and a frame of this size 37 kB. The first thousands
    # of frames settle how large Python's heap is
    assert peaks[9999] - peaks[5000] < 8_000
