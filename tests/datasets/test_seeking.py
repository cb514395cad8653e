"""Any frame of a video file, and always the same one."""

import pickle

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.seeking import NEAR, SeekingVideo
from cfkd_core.datasets.video import open_frames, write_video
from cfkd_core.errors import InputError

COUNT = 130


@pytest.fixture(scope="module", params=["film.mp4", "film.avi"])
def film(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / request.param
    with write_video(path) as write:
        for number in range(COUNT):
            frame = np.full((48, 64, 3), 255, np.uint8)
            # a bar whose length tells the number
            cv2.rectangle(frame, (0, 0), (3, number // 3), (0, 0, 0), cv2.FILLED)
            frame[:, 8:] = number
            write(frame)
    return path


def test_frames_in_any_order_are_those_in_order(film):
    whole = list(open_frames(film))
    video = SeekingVideo(film)
    assert len(video) == len(whole) == COUNT
    generator = np.random.default_rng(0)
    order = [0, 1, 1, 0, COUNT - 1, 5, 5 + NEAR, *generator.integers(0, COUNT, 40).tolist()]
    for number in order:
        np.testing.assert_array_equal(video[number], whole[number])
    np.testing.assert_array_equal(video[-2], whole[-2])
    with pytest.raises(IndexError):
        video[COUNT]


def test_a_seek_is_not_a_pass_through_the_film(film, monkeypatch):
    """A far frame is reached without decoding all those before it."""
    video = SeekingVideo(film)
    video[0]
    grabs = []

    class Counting:
        def __init__(self, capture):
            self.capture = capture

        def grab(self):
            grabs.append(1)
            return self.capture.grab()

        def __getattr__(self, name):
            return getattr(self.capture, name)

    monkeypatch.setattr(video, "_capture", Counting(video._capture))
    video[COUNT - 1]
    assert 0 < len(grabs) < 60


def test_times_that_do_not_tell_frames_apart_still_give_the_right_one(film):
    whole = list(open_frames(film))
    video = SeekingVideo(film)
    video.times = [0.0] * COUNT
    for number in (100, 3, 60):
        np.testing.assert_array_equal(video[number], whole[number])


def test_it_can_be_sent_to_another_process(film):
    video = SeekingVideo(film)
    first = video[70]
    again = pickle.loads(pickle.dumps(video))
    np.testing.assert_array_equal(again[70], first)


def test_a_file_that_shrank_is_named(film, tmp_path):
    path = tmp_path / film.name
    path.write_bytes(film.read_bytes())
    video = SeekingVideo(path)
    with write_video(path) as write:
        for _ in range(3):
            write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(InputError, match="ends before frame 100"):
        video[100]


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"not a video")
    with pytest.raises(InputError, match="cannot be decoded as a video"):
        SeekingVideo(tmp_path / "film.mp4")
