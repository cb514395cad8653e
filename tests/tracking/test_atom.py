from itertools import pairwise

import numpy as np
import pytest
import torch

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet, build_atom
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.patches import warp
from cfkd_core.tracking.atom import MATOM_VOT, AtomTracker
from cfkd_core.tracking.tracker import Tracker, track


@pytest.fixture(scope="module")
def net():
    return AtomNet(imagenet_backbone("mobilenet_v2"), None)


@pytest.fixture(scope="module")
def video():
    """A photograph of a cat's face moving over a photograph of gravel, and its boxes."""
    data = pytest.importorskip("skimage.data")
    target = data.chelsea()[60:160, 180:280]
    background = np.repeat(data.gravel()[:240, :320, None], 3, axis=2)
    places = [(60 + 6 * t, 50 + round(40 * np.sin(t / 5))) for t in range(28)]
    frames = []
    for x, y in places:
        frame = background.copy()
        frame[y : y + 50, x : x + 50] = warp(target, np.eye(2) * 2, np.zeros(2), 50)
        frames.append(frame)
    return frames, np.array([[x, y, 50, 50] for x, y in places], dtype=float)


def test_it_follows_a_moving_target(net, video):
    frames, truth = video
    trajectory = track(AtomTracker(net), frames, truth[0])
    errors = np.hypot(*(boxes.centre(trajectory.boxes) - boxes.centre(truth)).T)
    assert errors.max() < 6
    assert set(trajectory.statuses) <= {"normal", "hard_negative", "uncertain"}
    assert trajectory.scores[1:].min() > 0.25


def test_equal_seeds_give_equal_boxes_and_init_forgets(net, video):
    frames, truth = video
    tracker = AtomTracker(net, seed=3)
    first = track(tracker, frames[:8], truth[0])
    again = track(tracker, frames[:8], truth[0])
    np.testing.assert_array_equal(first.boxes, again.boxes)
    np.testing.assert_array_equal(first.scores, again.scores)
    other = track(AtomTracker(net, seed=4), frames[:8], truth[0])
    assert not np.array_equal(first.scores, other.scores)


def test_it_reports_that_the_target_is_gone(net, video):
    frames, truth = video
    empty = frames[0].copy()
    empty[:] = frames[0][200:, 280:].mean((0, 1)).astype(np.uint8)
    tracker = AtomTracker(net)
    track(tracker, frames[:5], truth[0])
    kept = tracker.box
    prediction = tracker.update(empty)
    assert prediction.status == "lost"
    np.testing.assert_array_equal(prediction.box, kept)


def test_periodic_updates_move_the_filter(net, video):
    frames, truth = video
    tracker = AtomTracker(net)
    tracker.init(frames[0], truth[0])
    filters = []
    for frame in frames[1:12]:
        assert tracker.update(frame).status == "normal"
        filters.append(tracker.classifier.filter.clone())
    moved = [not torch.equal(a, b) for a, b in pairwise(filters)]
    assert moved == [False] * 8 + [True, False]  # only in the tenth update


def test_vot_settings_work_on_smaller_patches(net, video):
    frames, truth = video
    tracker = AtomTracker(net, MATOM_VOT)
    trajectory = track(tracker, frames, truth[0])
    assert tracker.look(frames[-1]).score_map.shape == (14, 14)
    assert np.hypot(*(boxes.centre(trajectory.boxes) - boxes.centre(truth)).T).max() < 8


def test_a_head_refines_the_box_within_bounds(video):
    """Random weights know nothing, but every step must stay sound: finite boxes, sane sizes."""
    frames, truth = video
    torch.manual_seed(0)
    net = build_atom("matom")
    net.backbone = imagenet_backbone("mobilenet_v2")
    tracker = AtomTracker(net)
    trajectory = track(tracker, frames[:6], truth[0])
    assert np.isfinite(trajectory.boxes).all()
    assert (trajectory.boxes[:, 2:] > 0).all()
    look = tracker.look(frames[6])
    ascent = tracker.climb(look, tracker.box)
    assert ascent.path.shape == (6, 10, 4)
    np.testing.assert_allclose(
        look.patch.to_frame(ascent.path[0, 0].double().numpy()), tracker.box, atol=1e-2
    )


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_short_cuts_do_not_change_the_boxes(video, runtime):
    """Folded layers and the slope by hand against the network as it is and autograd."""
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime")
    frames, truth = video
    torch.manual_seed(0)
    net = build_atom("matom").requires_grad_(False)
    net.backbone = imagenet_backbone("mobilenet_v2")
    net.iou_head.output.weight *= 0.02  # slopes as gentle as a trained head's
    fast, plain = AtomTracker(net, runtime=runtime), AtomTracker(net, plain=True)
    assert (fast.runtime.name, plain.runtime.name) == (runtime, "torch")
    found, expected = (track(each, frames[:6], truth[0]) for each in (fast, plain))
    assert np.ptp(expected.boxes[:, 2]) > 1
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    assert fast.card == plain.card


def test_the_centre_stays_near_the_frame(net, video):
    frames, _ = video
    tracker = AtomTracker(net)
    tracker.init(frames[0], np.array([-30.0, -30, 50, 50]))
    for frame in frames[1:4]:
        x, y = boxes.centre(tracker.update(frame).box)
        assert -15 <= x <= 335
        assert -15 <= y <= 255


def test_a_box_head_is_refused():
    with pytest.raises(InputError, match="IoU head"):
        AtomTracker(build_atom("mdrnet"))


def test_it_is_a_tracker_and_says_what_decides_its_answers(net):
    tracker = AtomTracker(net, seed=5)
    assert isinstance(tracker, Tracker)
    assert tracker.card["seed"] == 5
    assert tracker.card["options"]["classifier"]["channels"] == 32
    assert tracker.card["weights"] == AtomTracker(net).card["weights"]
    assert tracker.card["weights"] != AtomTracker(build_atom("atom_t")).card["weights"]
