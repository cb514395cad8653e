from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core import boxes
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet, build_atom
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.patches import warp
from cfkd_core.tracking.augment import AugmentOptions
from cfkd_core.tracking.classifier import FilterProblem
from cfkd_core.tracking.distractors import DistractorProblem
from cfkd_core.tracking.drnet import DRNET, MDRNET, DrnetTracker
from cfkd_core.tracking.tracker import Tracker, track

LIGHT = replace(
    MDRNET,
    augment=AugmentOptions(blurs=(), angles=()),
    classifier=replace(MDRNET.classifier, gauss_newton_steps=2),
)
"""A quick first frame, for tests of what comes after it."""


@pytest.fixture(scope="module")
def net():
    """The student with its head's last layer empty: offsets are what the test writes there."""
    torch.manual_seed(0)
    net = build_atom("mdrnet").eval().requires_grad_(False)
    net.backbone = imagenet_backbone("mobilenet_v2")
    net.iou_head.output.weight.zero_()
    net.iou_head.output.bias.zero_()
    return net


@pytest.fixture
def offsets(net):
    """What the head says of every proposal; 0 again after the test."""
    yield net.iou_head.output.bias
    net.iou_head.output.bias.zero_()


@pytest.fixture(scope="module")
def video():
    """A photograph of a cat's face moving over a photograph of gravel, and its boxes."""
    data = pytest.importorskip("skimage.data")
    target = data.chelsea()[60:160, 180:280]
    background = np.repeat(data.gravel()[:240, :320, None], 3, axis=2)
    places = [(60 + 6 * t, 50 + round(40 * np.sin(t / 5))) for t in range(14)]
    frames = []
    for x, y in places:
        frame = background.copy()
        frame[y : y + 50, x : x + 50] = warp(target, np.eye(2) * 2, np.zeros(2), 50)
        frames.append(frame)
    return frames, np.array([[x, y, 50, 50] for x, y in places], dtype=float)


def test_the_options_are_those_of_the_original():
    """Source: The original, exactly, section 5.1, column DRNet."""
    assert (DRNET.size, DRNET.search_scale, DRNET.label_sigma) == (320, 5.5, 1 / 3)
    classifier, memory, localise = DRNET.classifier, DRNET.memory, DRNET.localise
    assert classifier.gauss_newton_steps * classifier.conjugate_gradient_steps == 100
    assert (classifier.update_steps, classifier.channels, classifier.kernel) == (5, 64, 4)
    assert memory.learning_rate == memory.hard_negative_learning_rate == 0.0075
    assert memory.initial_share == 0
    assert (localise.lost_below, localise.distractor_above) == (-1, 100)
    assert (localise.hard_negative_above, localise.displacement) == (0.3, 0.9)
    assert localise.window
    assert MDRNET.classifier.channels == 32


def test_it_follows_a_moving_target(net, video):
    frames, truth = video
    trajectory = track(DrnetTracker(net), frames, truth[0])
    errors = np.hypot(*(boxes.centre(trajectory.boxes) - boxes.centre(truth)).T)
    assert errors.max() < 6
    assert set(trajectory.statuses) <= {"normal", "hard_negative"}
    np.testing.assert_allclose(trajectory.boxes[:, 2:], 50, atol=1e-3)  # offsets are 0


def test_the_box_goes_where_the_head_says(net, video, offsets):
    """Shifts in units of the sides, growth as a logarithm, all relative to the classifier's box."""
    frames, truth = video
    offsets.copy_(torch.tensor([0.1, -0.2, np.log(1.5), np.log(0.5)]))
    tracker = DrnetTracker(net, LIGHT)
    tracker.init(frames[0], truth[0])
    look = tracker.look(frames[1])
    x, y = boxes.centre(tracker.box)
    moved = look.patch.to_frame(tracker.refined(look))
    np.testing.assert_allclose(boxes.centre(moved), [x + 5, y - 10], atol=1e-3)
    np.testing.assert_allclose(moved[2:], [75, 25], atol=1e-3)


def test_one_update_is_localisation_and_then_the_head(net, video, offsets):
    frames, truth = video
    offsets.copy_(torch.tensor([0.0, 0.0, 0.1, -0.1]))
    tracker = DrnetTracker(net, LIGHT)
    tracker.init(frames[0], truth[0])
    look = tracker.look(frames[1])
    found = look.patch.middle + tracker.localise(look).displacement * look.patch.scale
    prediction = tracker.update(frames[1])
    np.testing.assert_allclose(boxes.centre(prediction.box), found, atol=1e-3)
    np.testing.assert_allclose(prediction.box[2:], 50 * np.exp([0.1, -0.1]), atol=1e-3)


@pytest.mark.parametrize("growth", [-30.0, 30.0])
def test_a_head_gone_wild_leaves_a_box(net, video, offsets, growth):
    frames, truth = video
    offsets[2:] = growth
    tracker = DrnetTracker(net, LIGHT)
    trajectory = track(tracker, frames[:4], truth[0])
    assert np.isfinite(trajectory.boxes).all()
    assert (trajectory.boxes[:, 2:] > 0).all()


def test_the_filter_learns_most_from_what_it_scores_worst(net, video, monkeypatch):
    frames, truth = video
    problems = []

    def noticed(kind):
        def linearise(self, x):
            problems.append(type(self))
            return original(self, x)

        original = kind.linearise
        monkeypatch.setattr(kind, "linearise", linearise)

    noticed(FilterProblem)
    noticed(DistractorProblem)
    track(DrnetTracker(net, LIGHT), frames[:11], truth[0])
    assert set(problems) == {DistractorProblem}


def test_equal_seeds_give_equal_boxes(net, video):
    frames, truth = video
    tracker = DrnetTracker(net, LIGHT, seed=3)
    first, again = (track(tracker, frames[:4], truth[0]) for _ in range(2))
    np.testing.assert_array_equal(first.boxes, again.boxes)
    np.testing.assert_array_equal(first.scores, again.scores)


def test_short_cuts_do_not_change_the_box(video):
    frames, truth = video
    torch.manual_seed(0)
    net = build_atom("mdrnet").requires_grad_(False)
    net.backbone = imagenet_backbone("mobilenet_v2")
    net.iou_head.output.weight *= 0.02
    found, expected = (
        track(DrnetTracker(net, LIGHT, plain=plain), frames[:2], truth[0]).boxes
        for plain in (False, True)
    )
    assert np.abs(expected[1, 2:] - 50).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_without_a_head_the_box_keeps_its_size(video):
    frames, truth = video
    tracker = DrnetTracker(AtomNet(imagenet_backbone("mobilenet_v2"), None), LIGHT)
    trajectory = track(tracker, frames[:4], truth[0])
    np.testing.assert_array_equal(trajectory.boxes[:, 2:], np.full((4, 2), 50.0))


def test_an_iou_head_is_refused():
    with pytest.raises(InputError, match="box head"):
        DrnetTracker(build_atom("matom"))


def test_it_is_a_tracker(net):
    tracker = DrnetTracker(net, seed=5)
    assert isinstance(tracker, Tracker)
    assert tracker.name == "mdrnet"
    assert tracker.card["options"]["search_scale"] == 5.5
