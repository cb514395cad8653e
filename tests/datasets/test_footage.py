import cv2
import numpy as np
import pytest

from cfkd_core.datasets import footage
from cfkd_core.datasets.film import write_film
from cfkd_core.datasets.footage import open_footage
from cfkd_core.datasets.readers.own import read_own
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for t in range(5):
        cv2.imwrite(str(folder / f"{t}.png"), np.full((60, 90, 3), 10 * t, np.uint8))
    return folder


class FakeCamera:
    """A camera of 30 frames a second that never ends; it shows the number that it was given."""

    def __init__(self, number):
        self.fps, self.time, self.damage = 30.0, 0.0, ""
        self.first = np.full((60, 90, 3), number, np.uint8)

    def __iter__(self):
        while True:
            yield self.first


def test_a_video_gives_its_frames_and_their_number(images):
    found = open_footage(images, None, "1,2,30,20")
    assert (found.source.fps, found.total) == (25, 5)
    np.testing.assert_array_equal(found.box, [1, 2, 30, 20])
    assert [int(frame[0, 0, 0]) for frame in found.frames] == [0, 10, 20, 30, 40]


@pytest.mark.parametrize(("limit", "count"), [(3, 3), (9, 5)])
def test_it_can_be_cut_short(images, limit, count):
    found = open_footage(images, None, "1,2,30,20", limit)
    assert found.total == count
    assert len(list(found.frames)) == count


def test_a_camera_takes_the_middle_of_the_picture_unless_told(monkeypatch):
    monkeypatch.setattr(footage, "Camera", FakeCamera)
    found = open_footage(None, 7, "", 4)
    np.testing.assert_allclose(found.box, [30, 20, 30, 20])
    assert (found.source.fps, found.total) == (30, 4)
    assert [int(frame[0, 0, 0]) for frame in found.frames] == [7] * 4
    assert open_footage(None, 0, "1,2,3,4").total is None


@pytest.mark.parametrize(
    ("video", "camera", "box", "limit", "message"),
    [
        (None, None, "1,2,3,4", None, "name a video, or a webcam"),
        ("here", 0, "1,2,3,4", None, "one of them"),
        ("here", None, "", None, "no box: say where"),
        ("here", None, "1,2,3,4", 0, "--frames 0: at least 1"),
        ("here", None, "90,2,3,4", None, "outside the frame of 90 x 60 px"),
    ],
)
def test_what_is_missing_is_named(images, video, camera, box, limit, message):
    with pytest.raises(InputError, match=message):
        open_footage(images if video else None, camera, box, limit)


def test_a_film_in_files_is_a_video_of_ones_own(tmp_path):
    (sequence,) = synthetic_sequences(["syn_clutter_cup"], 6)
    table = write_film(sequence, tmp_path / "cup.mp4")
    assert table == tmp_path / "cup.csv"
    (read,) = read_own(tmp_path)
    np.testing.assert_allclose(read.boxes, sequence.boxes, atol=1e-4)
    difference = read.frames[5].astype(int) - sequence.frames[5]
    assert np.abs(difference).mean() < 6  # the encoder's
