import numpy as np
import pytest

import cfkd_core
from cfkd_core.errors import InputError
from cfkd_core.tracking.load import TRACKERS
from cfkd_core.tracking.tracker import Tracker

SHIPPED = [name for name in TRACKERS if name != "atom"]  # its backbone needs a network or a file


@pytest.mark.parametrize("name", SHIPPED)
def test_every_tracker_follows_a_disc(name):
    """A textured disc on a plain ground, 2 px a frame: nobody may lose it."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:32, :32] - 15.5
    disc = (rows**2 + columns**2 < 15**2)[..., None]
    frames = []
    for t in range(8):
        frame = np.full((120, 160, 3), 128, np.uint8)
        x = 40 + 2 * t
        frame[44:76, x : x + 32] = np.where(disc, texture, frame[44:76, x : x + 32])
        frames.append(frame)
    tracker = cfkd_core.load_tracker(name, seed=1)
    assert isinstance(tracker, Tracker)
    assert tracker.name == name
    tracker.init(frames[0], np.array([40.0, 44, 32, 32]))
    for frame in frames[1:]:
        prediction = tracker.update(frame)
    np.testing.assert_allclose(prediction.box, [54, 44, 32, 32], atol=4)
    assert prediction.status == "normal"
    assert tracker.card["seed"] == 1


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(InputError, match=r"tracker siamfc: choose one of atom, matom, mosse"):
        cfkd_core.load_tracker("siamfc")


def test_only_networks_take_weights(tmp_path):
    with pytest.raises(InputError, match="takes no weights"):
        cfkd_core.load_tracker("csrt", weights=tmp_path / "x.pth")


def test_an_imported_checkpoint_tracks_with_its_head(shared):
    weights = shared / "oracles" / "atom" / "matom_random_state.pth"
    tracker = cfkd_core.load_tracker("matom", weights=weights)
    assert tracker.net.iou_head is not None
    assert tracker.card["weights"] != cfkd_core.load_tracker("matom").card["weights"]
