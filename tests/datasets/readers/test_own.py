"""Videos of one's own: folders and files, tables with and without a header."""

import numpy as np
import pytest

from cfkd_core.datasets.readers.own import INSIDE, read_own, read_table
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
