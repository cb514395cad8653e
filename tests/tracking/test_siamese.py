"""Matching without learning: it finds what looks the same, and nothing else moves it."""

import numpy as np
import pytest
import torch
from skimage import data

from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.tracking.siamese import SiameseTracker, match
from cfkd_core.tracking.tracker import Tracker

BOX = np.array([190.0, 80, 70, 84])  # the astronaut's face


@pytest.fixture(scope="module")
def tracker():
    tracker = SiameseTracker(imagenet_backbone("mobilenet_v2"))
    tracker.init(data.astronaut(), BOX)
    return tracker


def test_match_is_the_mean_product_of_what_lies_on_each_other():
    search = torch.arange(12.0).reshape(1, 3, 4)
    template = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    expected = [[(0 + 2 * 5) / 4, (1 + 2 * 6) / 4, (2 + 2 * 7) / 4]]
    expected += [[(4 + 2 * 9) / 4, (5 + 2 * 10) / 4, (6 + 2 * 11) / 4]]
    torch.testing.assert_close(match(search, template), torch.tensor(expected))


def test_the_target_is_most_like_itself_and_does_not_move(tracker):
    tracker.init(data.astronaut(), BOX)
    found = tracker.look(data.astronaut())
    middle = found.scores.shape[-1] // 2
    assert divmod(int(found.scores.argmax()), found.scores.shape[-1]) == (middle, middle)
    # the template's cells have seen no padding, so they are the very same
    assert float(found.scores.max()) == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(tracker.update(data.astronaut()).box, BOX, atol=2)


@pytest.mark.parametrize("move", [(20, 0), (-16, 24)])
def test_it_follows_a_camera_that_moves(tracker, move):
    frame = data.astronaut()
    tracker.init(frame, BOX)
    box, score, status = tracker.update(np.roll(frame, move, (1, 0)))
    np.testing.assert_allclose(box[:2], BOX[:2] + move, atol=4)
    assert (box[2:] == BOX[2:]).all()
    assert score > 0.6
    assert status == "normal"


def test_it_learns_nothing_from_later_frames(tracker):
    tracker.init(data.astronaut(), BOX)
    before = tracker.template.clone()
    tracker.update(255 - data.astronaut())
    assert torch.equal(tracker.template, before)


def test_it_is_a_tracker(tracker):
    assert isinstance(tracker, Tracker)
    assert tracker.card["backbone"] == "mobilenet_v2"
