from typing import ClassVar

import numpy as np
import pytest

from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Prediction, check_frame, track


class Drifting:
    """Moves its box 2 px to the right in each frame."""

    name = "drifting"
    card: ClassVar = {}

    def init(self, frame, box):
        self.box = np.array(box)

    def update(self, frame):
        self.box = self.box + np.array([2.0, 0, 0, 0])
        return Prediction(self.box, 0.5, "uncertain")


def test_a_trajectory_holds_every_frame_in_order():
    frames = [np.zeros((20, 30, 3), np.uint8)] * 4
    seen = []
    trajectory = track(
        Drifting(), frames, np.array([1.0, 2, 3, 4]), lambda f, p: seen.append(p.box)
    )
    assert trajectory.boxes[:, 0].tolist() == [1, 3, 5, 7]
    assert trajectory.scores.tolist() == [1, 0.5, 0.5, 0.5]
    assert trajectory.statuses == ("normal", "uncertain", "uncertain", "uncertain")
    np.testing.assert_array_equal(seen, trajectory.boxes)
    assert trajectory.fps == pytest.approx(3 / trajectory.seconds[1:].sum())


def test_one_frame_has_no_speed():
    trajectory = track(Drifting(), [np.zeros((20, 30, 3), np.uint8)], np.array([1.0, 2, 3, 4]))
    assert len(trajectory.boxes) == 1
    assert np.isnan(trajectory.fps)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((10, 10), np.uint8), r"uint8 \(10, 10\)"),
        (np.zeros((10, 10, 4), np.uint8), r"\(10, 10, 4\): expected RGB"),
        (np.zeros((0, 10, 3), np.uint8), r"\(0, 10, 3\)"),
        (np.zeros((10, 10, 3)), "float64"),
        (None, "NoneType"),
    ],
)
def test_other_frames_are_refused(frame, message):
    with pytest.raises(InputError, match=message):
        check_frame(frame)
