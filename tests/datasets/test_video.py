"""Videos in and out, and what is said about those that are none."""

import operator
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.video import draw_box, open_frames, write_video
from cfkd_core.errors import InputError


def _frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Frames that differ in red."""
    return [np.full((height, width, 3), (20 * i, 60, 120), np.uint8) for i in range(count)]


def _write(path, frames):
    with write_video(path) as write:
        for frame in frames:
            write(frame)


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film"])
def test_what_is_written_is_read(tmp_path, name):
    frames = _frames(8)
    _write(tmp_path / name, frames)
    video = open_frames(tmp_path / name)
    assert operator.length_hint(video) == 8
    assert video.fps == 25
    read = list(video)
    assert len(read) == len(list(video)) == 8  # a second pass begins anew
    # compression changes a flat colour by a few levels
    np.testing.assert_allclose(np.array(read, int), np.array(frames, int), atol=8)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folder_is_in_natural_order(tmp_path):
    for number in (10, 9, 100):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((4, 4, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "._9.png").write_bytes(b"x")
    assert [frame[0, 0, 0] for frame in open_frames(tmp_path)] == [9, 10, 100]


def test_frames_of_another_size_are_refused(tmp_path):
    for number, side in enumerate((4, 4, 6)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((side, side, 3), np.uint8))
    with pytest.raises(InputError, match=r"2\.png: 6 x 6 px, but the first frame has 4 x 4"):
        list(open_frames(tmp_path))
    with pytest.raises(InputError, match="65 x 48 px in a video of 64 x 48"):
        _write(tmp_path / "out.mp4", [*_frames(1), *_frames(1, width=65)])


@pytest.mark.parametrize("content", [b"", b"not a video", None])
def test_what_is_no_video_is_refused(tmp_path, content, capfd):
    path = tmp_path / "film.mp4"
    if content is None:  # the beginning of a video, without its index
        _write(path, _frames(5))
        content = path.read_bytes()[:400]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"film\.mp4: cannot be decoded"):
        open_frames(path)
    assert capfd.readouterr().err == ""


def test_ffmpeg_is_quiet_in_a_process_of_its_own(tmp_path):
    """In a fresh process, where nothing else has set FFmpeg's log level."""
    path = tmp_path / "film.mp4"
    _write(path, _frames(5))
    path.write_bytes(path.read_bytes()[:400])
    code = (
        "import sys; from pathlib import Path\n"
        "from cfkd_core.datasets.video import open_frames\n"
        "from cfkd_core.errors import InputError\n"
        "try: open_frames(Path(sys.argv[1]))\n"
        "except InputError: pass"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    assert done.stderr == b""


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such video"):
        open_frames(tmp_path / "film.mp4")
    with pytest.raises(InputError, match="no images here"):
        open_frames(tmp_path)


def test_damaged_image_is_named(tmp_path):
    (tmp_path / "1.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=r"1\.jpg: cannot be decoded"):
        open_frames(tmp_path)


def test_unknown_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"\.mp4, \.avi"), write_video(tmp_path / "film.gif"):
        pytest.fail("must not start")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["film.mp4", "film"])
def test_a_video_is_whole_or_absent(tmp_path, name):
    def stop():
        with write_video(tmp_path / name) as write:
            write(_frames(1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no frame to write"):
        _write(tmp_path / name, [])
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_not_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="a folder with files"):
        _write(tmp_path, _frames(1))
    assert (tmp_path / "mine.txt").read_text() == "x"


def test_an_existing_video_is_replaced(tmp_path):
    for count in (3, 6):
        _write(tmp_path / "film.avi", _frames(count))
    assert len(list(open_frames(tmp_path / "film.avi"))) == 6


def test_box_is_drawn_on_a_copy():
    frame = np.zeros((100, 120, 3), np.uint8)
    drawn = draw_box(frame, np.array([20.0, 30, 40, 50]), (255, 0, 0))
    assert not frame.any()
    rows, columns = np.nonzero(drawn[..., 0] > 200)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (20, 30, 60, 80)
    assert not drawn[40:70, 30:50].any()


@pytest.mark.parametrize("label", ["", "lost"])
@pytest.mark.parametrize("box", [[np.nan] * 4, [-1e9, 3, 2e9, 1e9], [500, 500, 10, 10]])
def test_absent_and_far_boxes_are_drawn_without_harm(box, label):
    frame = np.zeros((100, 120, 3), np.uint8)
    drawn = draw_box(frame, np.array(box, dtype=float), label=label)
    assert drawn.shape == frame.shape
    if np.isnan(box[0]):
        assert not drawn.any()


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film"])
def test_a_disk_that_takes_no_more_is_named(tmp_path, name):
    """OpenCV says nothing; the kernel refuses what is beyond 3,000 bytes."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(InputError, match=rf"{tmp_path / name}: cannot be written .*free space"):
            _write(tmp_path / name, list(noise))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["film.mp4", "film"])
def test_a_place_where_nobody_may_write_is_named(name):
    with pytest.raises(InputError, match=r"/proc/cfkd/film.*: cannot be written"):
        _write(Path("/proc/cfkd") / name, _frames(1))
