"""VOT's regions: quadrangles, boxes, and where the images lie."""

import gzip
import json

import numpy as np
import pytest

from cfkd_core.datasets.readers import official
from cfkd_core.datasets.readers.vot import read_vot
from cfkd_core.errors import InputError

DIAMOND = "6,1,10,4,6,7,2,4"


@pytest.fixture
def write(write_images, write_text):
    def write(folder, rows, images="color"):
        write_images(folder / images, range(1, len(rows.split()) + 1))
        write_text(folder / "groundtruth.txt", rows)

    return write


@pytest.mark.parametrize("images", ["color", "."])
def test_quadrangles_and_boxes_are_regions(tmp_path, write, images):
    write(tmp_path / "ball1", f"{DIAMOND}\r\n3,4,10,20\r\n", images)
    (sequence,) = read_vot(tmp_path)
    expected = [[6, 1, 10, 4, 6, 7, 2, 4], [3, 4, 10, 20, *[np.nan] * 4]]
    np.testing.assert_array_equal(sequence.regions, expected)
    np.testing.assert_array_equal(sequence.boxes, [[2, 1, 8, 6], [3, 4, 10, 20]])
    assert (sequence.name, sequence.origin, sequence.visible.all()) == ("ball1", 0, True)
    assert [frame[0, 0, 0] for frame in sequence.frames] == [1, 2]


def test_an_absent_region_is_not_visible(tmp_path, write):
    write(tmp_path / "ball1", f"{DIAMOND}\nnan,nan,nan,nan\n")
    (sequence,) = read_vot(tmp_path)
    assert sequence.visible.tolist() == [True, False]
    assert np.isnan(sequence.boxes[1]).all()


def test_the_list_gives_the_order_and_what_is_not_there_is_passed_over(tmp_path, write, write_text):
    for name in ("ball1", "ant", "other"):
        write(tmp_path / name, DIAMOND)
    assert [each.name for each in read_vot(tmp_path)] == ["ant", "ball1", "other"]
    write_text(tmp_path / "list.txt", "ball1\r\nzebra\r\nant\r\n")
    assert [each.name for each in read_vot(tmp_path)] == ["ball1", "ant"]


def test_a_workspace_of_the_toolkit_is_read(tmp_path, write, write_text):
    write(tmp_path / "sequences" / "ball1", DIAMOND)
    write_text(tmp_path / "sequences" / "list.txt", "ball1\n")
    assert [each.name for each in read_vot(tmp_path)] == ["ball1"]


@pytest.mark.parametrize("line", ["1,2,3,4,5,6", "m0,0,4,4,1,2", "1,2,3"])
def test_another_line_is_named(tmp_path, write, line):
    write(tmp_path / "ball1", f"{DIAMOND}\n{line}\n")
    with pytest.raises(InputError, match=r"groundtruth\.txt, line 2: expected 4 or 8 numbers"):
        read_vot(tmp_path)


def test_broken_sequences_are_named(tmp_path, write):
    write(tmp_path / "ball1", f"{DIAMOND}\n{DIAMOND}\n")
    (tmp_path / "ball1/color/00000002.png").unlink()
    with pytest.raises(InputError, match="ball1: 1 frames"):
        read_vot(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no VOT sequences here"):
        read_vot(tmp_path)


@pytest.mark.parametrize("year", [2018, 2019])
def test_the_published_annotation_is_read(shared, tmp_path, write, year):
    with gzip.open(shared / f"oracles/vot/VOT{year}.json.gz") as file:
        published = json.load(file)
    assert official.names(f"vot{year}") == set(published)
    # a few lines of the one sequence of boxes and of one of quadrangles
    for name in ("conduction1", "ants1"):
        rows = published[name]["gt_rect"][:3]
        write(tmp_path / name, "\n".join(",".join(map(str, row)) for row in rows))
    quadrangles, rectangles = read_vot(tmp_path)
    np.testing.assert_array_equal(quadrangles.regions, published["ants1"]["gt_rect"][:3])
    np.testing.assert_allclose(rectangles.boxes, published["conduction1"]["gt_rect"][:3])
