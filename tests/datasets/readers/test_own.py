"""Videos of one's own: folders and files, tables with and without a header."""

import re

import numpy as np
import pytest

from cfkd_core.datasets.readers.own import INSIDE, read_own, read_table, sparse_annotations
from cfkd_core.datasets.video import write_video
from cfkd_core.errors import InputError

ROWS = "1,2,3,4\n5,6,7,8\n9,1,0,4\n"


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_a_table_lies_beside_its_video(tmp_path, write_images, write_text, suffix):
    write_images(tmp_path / "cat", [9, 10, 11], digits=1)
    write_text(tmp_path / f"cat{suffix}", ROWS)
    with write_video(tmp_path / "dog.avi") as write:
        for level in (20, 120, 220):
            write(np.full((32, 48, 3), level, np.uint8))
    write_text(tmp_path / f"dog{suffix}", "x,y,w,h\n1,2,3,4\n,,,\n5,6,7,8\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes").mkdir()
    cat, dog = read_own(tmp_path)
    assert (cat.name, dog.name, cat.origin) == ("cat", "dog", 0)
    np.testing.assert_array_equal(cat.boxes, [[1, 2, 3, 4], [5, 6, 7, 8], [9, 1, 0, 4]])
    assert cat.visible.tolist() == [True, True, False]
    assert [frame[0, 0, 0] for frame in cat.frames] == [9, 10, 11]
    assert dog.visible.tolist() == [True, False, True]
    assert [abs(int(dog.frames[i].mean()) - level) < 6 for i, level in ((2, 220), (0, 20))]


@pytest.mark.parametrize("name", INSIDE)
def test_a_table_may_lie_among_the_images(tmp_path, write_images, write_text, name):
    write_images(tmp_path / "cat", [1])
    write_text(tmp_path / "cat" / name, "1\t2\t3\t4\r\n")
    assert read_own(tmp_path)[0].boxes.tolist() == [[1, 2, 3, 4]]


def test_a_video_without_a_table_is_named(tmp_path, write_images):
    write_images(tmp_path / "cat", [1])
    with pytest.raises(InputError, match=r"cat: no boxes; put them in cat\.csv"):
        read_own(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no videos here"):
        read_own(tmp_path)


def test_what_track_writes_is_read(tmp_path, write_text):
    text = (
        "\ufeffframe,x,y,w,h,score,status,seconds\r\n"
        "0,1.5,2.0,3.0,4.0,1.0,normal,0.5\r\n"
        "2,5.0,6.0,7.0,8.0,0.7,lost,0.1\r\n"
    )
    write_text(tmp_path / "boxes.csv", text)
    boxes = read_table(tmp_path / "boxes.csv", 4)
    np.testing.assert_array_equal(boxes[[0, 2]], [[1.5, 2, 3, 4], [5, 6, 7, 8]])
    assert np.isnan(boxes[[1, 3]]).all()


def test_columns_may_stand_in_any_order(tmp_path, write_text):
    write_text(tmp_path / "boxes.csv", 'name, W, H, X, Y\n"a, b",3,4,1,2\n')
    assert read_table(tmp_path / "boxes.csv", 1).tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n", "1 boxes for 2 frames"),
        ("x,y,w,h\n1,2,3,4\n", "1 boxes for 2 frames"),
        ("1,2,3,4\n1,2,3\n", "line 2: expected 4 numbers"),
        ("x,y,w\n1,2,3\n1,2,3\n", "columns x, y, w; expected"),
        ("frame,x,y,w,h\n0,1,2,3,4\n0,1,2,3,4\n", "line 3: frame 0: twice"),
        ("frame,x,y,w,h\n2,1,2,3,4\n", "line 2: frame 2: .* 0 to 1"),
        ("frame,x,y,w,h\n1,1,2,three,4\n", "line 2: expected frame, x"),
        ("frame,x,y,w,h\n1,1,2\n", "line 2: expected frame, x"),
        ("", "empty"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, write_text, text, message):
    write_text(tmp_path / "boxes.csv", text)
    with pytest.raises(InputError, match=rf"boxes\.csv.*{message}"):
        read_table(tmp_path / "boxes.csv", 2)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_header_may_be_delimited_by_other_marks(tmp_path, write_text, delimiter):
    text = "frame,x,y,w,h\n1,5,6,7,8\n0,1,2,3,4\n".replace(",", delimiter)
    write_text(tmp_path / "boxes.csv", text)
    assert read_table(tmp_path / "boxes.csv", 2).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def table(boxes):
    return "".join(",".join(f"{number:.4f}" for number in box) + "\n" for box in boxes)


MOVING = np.array([[3 + t, 4 + t, 9 + t % 2, 8] for t in range(12)], dtype=float)


def corners(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (MOVING / [48, 32, 48, 32], "fractions of the frame; multiply x, w by its width 48"),
        (corners(MOVING), "two corners x1, y1, x2, y2; write x1, y1, x2 - x1, y2 - y1"),
        (
            corners(MOVING[:3] + np.array([24, 16, 0, 0])),
            "two corners",
        ),  # as x, y, w, h out of the frame
    ],
)
def test_boxes_of_another_format_are_refused(tmp_path, write_images, write_text, boxes, message):
    write_images(tmp_path / "cat", range(1, len(boxes) + 1), size=(48, 32))
    write_text(tmp_path / "cat.csv", table(boxes))
    with pytest.raises(InputError, match=rf"cat\.csv: boxes .*{re.escape(message)}"):
        read_own(tmp_path)


@pytest.mark.parametrize(
    "boxes",
    [
        MOVING,
        np.tile([2.0, 3, 20, 20], (12, 1)),  # large, at the upper left, and at rest
        np.array([[2.0, 3, 20 + t, 20 + t] for t in range(12)]),  # and growing
        np.full((3, 4), np.nan),
    ],
)
def test_boxes_of_our_format_are_not(tmp_path, write_images, write_text, boxes):
    write_images(tmp_path / "cat", range(1, len(boxes) + 1), size=(48, 32))
    write_text(tmp_path / "cat.csv", table(boxes))
    np.testing.assert_allclose(read_own(tmp_path)[0].boxes, boxes)


def test_a_sparse_annotation_is_noted(tmp_path, write_images, write_text):
    write_images(tmp_path / "cat", range(1, 41), size=(48, 32))
    rows = "".join(f"{t},1,2,3,4\n" for t in range(0, 40, 10))
    write_text(tmp_path / "cat.csv", "frame,x,y,w,h\n" + rows)
    (line,) = sparse_annotations(read_own(tmp_path))
    assert line.startswith("sequence cat: 4 of 40 frames have a box; most protocols count")


def test_a_video_that_was_cut_is_named_where_boxes_are_left_over(tmp_path, write_text):
    film = tmp_path / "cat.avi"
    noise = np.random.default_rng(0)
    with write_video(film) as write:
        for _ in range(40):
            write(noise.integers(0, 255, (32, 48, 3), dtype=np.uint8))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    write_text(tmp_path / "cat.csv", "1,2,3,4\n" * 40)
    with pytest.raises(
        InputError, match=r"40 boxes for \d+ frames; .*cat\.avi ends after \d+ of 40"
    ):
        read_own(tmp_path)


def test_one_frame_in_two_formats_is_refused(tmp_path, write_images, write_text):
    write_images(tmp_path / "cat", [1, 2])
    suffix = next((tmp_path / "cat").iterdir()).suffix
    other = ".png" if suffix == ".jpg" else ".jpg"
    first = min((tmp_path / "cat").iterdir())
    first.with_suffix(other).write_bytes(first.read_bytes())
    write_text(tmp_path / "cat.csv", "1,2,3,4\n" * 3)
    with pytest.raises(InputError, match="one frame in two formats"):
        read_own(tmp_path)
