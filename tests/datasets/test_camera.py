import os
import signal
import threading

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.camera import Camera
from cfkd_core.errors import InputError


class Webcam:
    """Stands for `cv2.VideoCapture`: blue pictures (BGR) that get lighter, `length` of them."""

    length = 6

    def __init__(self, number):
        self.number, self.given, self.released = number, 0, False
        Webcam.last = self

    def isOpened(self):
        return self.number == 0

    def set(self, key, value):
        return key == cv2.CAP_PROP_BUFFERSIZE and value == 1

    def get(self, key):
        return 30.0 if key == cv2.CAP_PROP_FPS else 0.0

    def read(self):
        if self.given == self.length:
            return False, None
        self.given += 1
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[..., 0] = 40 * self.given
        return True, frame

    def release(self):
        self.released = True


@pytest.fixture(autouse=True)
def webcam(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)


def test_frames_are_rgb_and_begin_with_the_first():
    camera = Camera(0)
    assert camera.fps == 30
    np.testing.assert_array_equal(camera.first[0, 0], (0, 0, 40))
    frames = list(camera)
    assert [int(frame[0, 0, 2]) for frame in frames] == [40, 80, 120, 160, 200, 240]
    assert Webcam.last.released


def test_a_camera_that_is_not_there_is_an_error_of_input():
    with pytest.raises(InputError, match="camera 3: gives no picture"):
        Camera(3)


def test_a_camera_that_gives_nothing_is_one_too(monkeypatch):
    monkeypatch.setattr(Webcam, "length", 0)
    with pytest.raises(InputError, match="camera 0: gives no picture"):
        Camera(0)
    assert Webcam.last.released


def test_the_interrupt_key_ends_the_film_and_nothing_else():
    before = signal.getsignal(signal.SIGINT)
    seen = []
    for frame in Camera(0):
        seen.append(frame)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
    assert len(seen) == 3
    assert signal.getsignal(signal.SIGINT) is before
    assert Webcam.last.released


def test_a_thread_may_watch_the_camera_too():
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(Camera(0)))
    thread.start()
    thread.join()
    assert len(seen) == 6


def test_leaving_early_gives_the_camera_back():
    frames = iter(Camera(0))
    next(frames)
    frames.close()
    assert Webcam.last.released
