"""LaSOT's two layouts, its marks, and the one sequence that its toolkit cuts."""

import os

import numpy as np
import pytest

from cfkd_core.datasets.readers import official
from cfkd_core.datasets.readers.lasot import read_lasot
from cfkd_core.errors import InputError


@pytest.fixture
def write(write_images, write_text):
    """Writes a sequence of four frames."""

    def write(folder, rows="1,1,9,9\n2,3,8,7\n0,0,0,0\n5,5,4,4\n", full="0,0,1,0", out="0,0,0,1"):
        write_images(folder / "img", range(1, rows.rstrip().count("\n") + 2))
        write_text(folder / "groundtruth.txt", rows)
        write_text(folder / "full_occlusion.txt", full)
        write_text(folder / "out_of_view.txt", out)

    return write


@pytest.mark.parametrize("folder", ["bear/bear-2", "bear-2"])
def test_boxes_count_from_1_and_either_mark_hides(tmp_path, write, folder):
    write(tmp_path / folder)
    (sequence,) = read_lasot(tmp_path)
    assert (sequence.name, sequence.origin) == ("bear-2", 1)
    np.testing.assert_array_equal(sequence.boxes[:2], [[0, 0, 9, 9], [1, 2, 8, 7]])
    assert sequence.visible.tolist() == [True, True, False, False]
    assert [frame[0, 0, 0] for frame in sequence.frames] == [1, 2, 3, 4]


def test_a_box_without_an_area_is_left_to_the_protocol(tmp_path, write):
    write(tmp_path / "bear-2", "1,1,9,9\r\n2,3,0,7\r\n", "0,0", "0,0")
    (sequence,) = read_lasot(tmp_path)
    assert sequence.visible.tolist() == [True, True]


def test_only_the_names_asked_for_are_read(tmp_path, write, write_text):
    write(tmp_path / "bear" / "bear-2")
    write(tmp_path / "bear" / "bear-3")
    write_text(tmp_path / "testing_set.txt", "bear-2\n")
    assert [each.name for each in read_lasot(tmp_path)] == ["bear-2", "bear-3"]
    (sequence,) = read_lasot(tmp_path, official.names("lasot"))
    assert sequence.name == "bear-2"
    with pytest.raises(InputError, match="no LaSOT sequences"):
        read_lasot(tmp_path, frozenset({"cat-1"}))


@pytest.mark.parametrize("name", ["groundtruth.txt", "full_occlusion.txt", "out_of_view.txt"])
def test_a_missing_file_is_named(tmp_path, write, name):
    write(tmp_path / "bear-2")
    (tmp_path / "bear-2" / name).unlink()
    with pytest.raises(InputError, match=rf"bear-2/{name}: no such file"):
        read_lasot(tmp_path)


def test_missing_frames_are_named(tmp_path, write):
    write(tmp_path / "bear-2")
    (tmp_path / "bear-2/img/00000003.png").unlink()
    with pytest.raises(InputError, match=r"bear-2: 3 frames .* 4 boxes in groundtruth\.txt"):
        read_lasot(tmp_path)


def test_a_gap_in_the_numbers_is_named(tmp_path, write):
    write(tmp_path / "bear-2")
    images = tmp_path / "bear-2/img"
    (images / "00000003.png").rename(images / "00000005.png")
    with pytest.raises(InputError, match=r"no .*00000003\.png, 3 of 4 frames"):
        read_lasot(tmp_path)


def test_marks_must_fit(tmp_path, write):
    write(tmp_path / "bear-2", out="0,0,0")
    with pytest.raises(InputError, match=r"out_of_view\.txt: 3 marks for 4 frames"):
        read_lasot(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path):
    (tmp_path / "bear").mkdir()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no LaSOT sequences here"):
            read_lasot(folder)


@pytest.fixture(scope="module")
def published(shared) -> dict[str, np.ndarray]:
    with np.load(shared / "oracles/lasot/lasot_test280_gt_absent.npz") as file:
        return dict(file)


def test_the_test_set_is_the_toolkits(published):
    assert official.names("lasot") == {key.removesuffix("/gt") for key in published if "gt" in key}


@pytest.mark.parametrize("rows", [2260, 2565])
def test_monkey_17_is_cut_as_the_toolkit_cuts_it(
    published, tmp_path, write_images, write_text, rows
):
    folder = tmp_path / "monkey" / "monkey-17"
    write_images(folder / "img", [1])
    for number in range(2, rows + 1):
        os.link(folder / "img/00000001.png", folder / f"img/{number:08d}.png")
    boxes, absent = published["monkey-17/gt"], published["monkey-17/absent"]
    beyond = np.tile([7.0, 7, 7, 7], (rows - len(boxes), 1))
    lines = [",".join(f"{number:g}" for number in row) for row in (*boxes, *beyond)]
    write_text(folder / "groundtruth.txt", "\n".join(lines) + "\n")
    # the toolkit's flag does not say which of the two it was
    marks = np.concatenate([absent, np.zeros(len(beyond), np.uint8)]).astype(str)
    write_text(folder / "full_occlusion.txt", ",".join(marks))
    write_text(folder / "out_of_view.txt", ",".join("0" * rows))
    (sequence,) = read_lasot(tmp_path)
    np.testing.assert_array_equal(sequence.to_published(sequence.boxes), boxes)
    np.testing.assert_array_equal(sequence.visible, absent == 0)
