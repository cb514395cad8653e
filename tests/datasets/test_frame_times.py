"""Rates that a container claims wrongly, and frames that are not there."""

import struct
from itertools import pairwise

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.frame_times import frame_rate, missing_frames
from cfkd_core.datasets.seeking import SeekingVideo
from cfkd_core.datasets.video import VideoFile, open_frames, write_video
from cfkd_core.errors import InputError


def evenly(count, fps):
    """Times as containers have them, in whole ms."""
    return [round(1000 * i / fps) / 1000 for i in range(count)]


BROWSER = [0.0, 0.066, 0.099, 0.132, 0.198, 0.231, 0.264, 0.330, 0.363, 0.396]


@pytest.mark.parametrize(
    ("times", "claimed", "expected"),
    [
        ([], 0, 25),
        ([], 30, 30),
        ([0.0], 0, 25),
        ([0.0, 0.0], -1, 25),
        (evenly(30, 30000 / 1001), 30000 / 1001, 30000 / 1001),
        (evenly(30, 60), 60, 60),
        (evenly(30, 30), 1000, 30.0),
        (evenly(30, 12.5), 0, 12.5),
        (BROWSER, 1000, 30),  # every frame has its slot: none comes after less than 33 ms
    ],
)
def test_the_rate_is_that_of_the_frames(times, claimed, expected):
    assert frame_rate(times, float(claimed)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("times", "claimed", "count", "expected"),
    [
        ([], 25, 100, ""),
        (evenly(100, 25), 25, 100, ""),
        (evenly(97, 25), 25, 100, ""),
        (evenly(43, 25), 25, 100, "ends after 43 of 100 frames"),
        (evenly(100, 25)[:40] + evenly(100, 25)[48:], 25, 100, "lacks 8 of 100 frames"),
        (evenly(100, 25), 25, 0, ""),
        (evenly(100, 25), 25, -9e18, ""),
        (BROWSER, 1000, 430, ""),
        (BROWSER, 1000, 4300, "ends after 10 of 98 frames"),
    ],
)
def test_what_is_missing_is_said(times, claimed, count, expected):
    assert missing_frames(times, float(claimed), float(count)) == expected


def write(path, count, fps=25.0):
    """Frames of noise, so that damage hits a few of them only."""
    generator = np.random.default_rng(0)
    with write_video(path, fps) as add:
        for _ in range(count):
            add(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8))


def test_a_video_that_was_cut_says_where_it_ends(tmp_path):
    path = tmp_path / "film.avi"
    write(path, 100)
    assert SeekingVideo(path).damage == ""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 55 // 100])
    video = VideoFile(path)
    count = len(list(video))
    assert 40 < count < 60
    assert video.damage == SeekingVideo(path).damage == f"ends after {count} of 100 frames"
    with pytest.raises(InputError, match=rf"film\.avi: ends after {count} of 100 .*--strict"):
        list(open_frames(path, strict=True))


def test_a_video_with_a_hole_says_what_it_lacks(tmp_path):
    path = tmp_path / "film.mp4"
    write(path, 100)
    content = bytearray(path.read_bytes())
    hole = slice(len(content) * 43 // 100, len(content) * 48 // 100)
    content[hole] = bytes(hole.stop - hole.start)
    path.write_bytes(content)
    found = SeekingVideo(path)
    assert len(found) < 97
    assert found.damage == f"ends after {len(found)} of 100 frames"


CLUSTER = b"\x1f\x43\xb6\x75"


def number(content, place):
    """A number of EBML's variable length, and the place after it."""
    length = 9 - content[place].bit_length()
    value = int.from_bytes(content[place : place + length], "big")
    return value - (1 << 7 * length), place + length


def film_of_a_browser(path, times):
    """A WebM whose frames have these times, ms, and which claims 1000 frames per second."""
    encoder = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), 1000.0, (64, 48))
    for i in range(len(times)):
        encoder.write(np.full((48, 64, 3), 5 * i, np.uint8))
    encoder.release()
    content, left = bytearray(path.read_bytes()), iter(times)
    place, start = content.index(CLUSTER), 0
    while content[place : place + 4] == CLUSTER or content[place] in (0xE7, 0xA3):
        kind = content[place]
        size, inner = number(content, place + (4 if kind == CLUSTER[0] else 1))
        if kind == 0xE7:  # the cluster's time
            start = int.from_bytes(content[inner : inner + size], "big")
        if kind == 0xA3:  # a frame, after the number of its track
            struct.pack_into(">h", content, inner + 1, next(left) - start)
        place = inner if kind == CLUSTER[0] else inner + size
    duration = content.index(b"\x44\x89\x88")
    struct.pack_into(">d", content, duration + 3, times[-1] + 33.0)
    path.write_bytes(content)


def test_a_film_of_a_browser_is_written_at_its_own_speed(tmp_path):
    steps = [33 if i % 3 else 66 for i in range(39)]
    times = [0, *np.cumsum(steps).tolist()]
    film_of_a_browser(tmp_path / "film.webm", times)
    assert cv2.VideoCapture(str(tmp_path / "film.webm")).get(cv2.CAP_PROP_FPS) == 1000
    video = VideoFile(tmp_path / "film.webm")
    assert video.fps == 30
    with write_video(tmp_path / "copy.avi", video.fps) as add:
        for frame in video:
            add(frame, video.time)
    assert video.damage == ""
    copy = VideoFile(tmp_path / "copy.avi")
    levels = [round(float(frame[..., 0].mean()) / 5) for frame in copy]
    assert len(levels) / copy.fps == pytest.approx((times[-1] + 33) / 1000, abs=0.02)
    # each of the 40 frames once, and every third gap filled with the one before it
    assert all(later - one in (0, 1) for one, later in pairwise(levels))
    assert len(set(levels)) >= 38  # video has fewer levels than images


def test_a_gap_of_hours_is_not_written(tmp_path):
    with write_video(tmp_path / "film.avi", 5.0) as add:
        for time in (0.0, 0.2, 7200.0, 7200.2):
            add(np.zeros((48, 64, 3), np.uint8), time)
    assert len(list(VideoFile(tmp_path / "film.avi"))) < 110


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "caf\udce9.mp4"
    path.touch()
    for read in (VideoFile, SeekingVideo, open_frames):
        with pytest.raises(InputError, match=r"caf\\udce9\.mp4: a name that is not UTF-8"):
            read(path)
    with (
        pytest.raises(InputError, match=r"caf\\udce9\.avi.*not UTF-8"),
        write_video(tmp_path / "caf\udce9.avi") as add,
    ):
        add(np.zeros((48, 64, 3), np.uint8))


def test_a_relative_name_with_a_colon_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "12:30:05.avi", 5)
    assert len(list(open_frames("12:30:05.avi"))) == 5
