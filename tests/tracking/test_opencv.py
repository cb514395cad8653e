import cv2
import numpy as np
import pytest

from cfkd_core.errors import InputError
from cfkd_core.tracking.opencv import OpenCVTracker


class Blind:
    """An OpenCV tracker that never finds anything."""

    @classmethod
    def create(cls):
        return cls()

    def init(self, frame, box):
        self.box = box

    def update(self, frame):
        return False, (0, 0, 0, 0)


def noise():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)


def test_a_lost_target_keeps_the_last_box(monkeypatch):
    monkeypatch.setattr(cv2, "TrackerKCF", Blind)
    tracker = OpenCVTracker("kcf")
    tracker.init(noise(), np.array([40.4, 40, 30, 30]))
    prediction = tracker.update(noise())
    assert prediction.status == "lost"
    assert prediction.score == 0
    np.testing.assert_array_equal(prediction.box, [40.4, 40, 30, 30])
    assert tracker._tracker.box == (40, 40, 30, 30)


def test_a_box_that_sticks_out_is_cut_to_the_frame():
    tracker = OpenCVTracker("kcf")
    tracker.init(noise(), np.array([-10.0, -10, 40, 40]))
    assert np.isfinite(tracker.update(noise()).box).all()


def test_an_opencv_without_the_tracker_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "TrackerCSRT")
    with pytest.raises(InputError, match="opencv-contrib-python-headless"):
        OpenCVTracker("csrt")
