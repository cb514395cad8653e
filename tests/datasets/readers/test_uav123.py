"""UAV123: sequences that share a folder of images, by the published table or the file beside it."""

import numpy as np
import pytest

from cfkd_core.datasets.readers.official import uav_spans
from cfkd_core.datasets.readers.uav123 import read_spans, read_uav123
from cfkd_core.errors import InputError


@pytest.fixture
def write(tmp_path, write_images, write_text):
    def write(name, rows, folder, numbers):
        write_text(tmp_path / "anno" / "UAV123" / f"{name}.txt", rows)
        write_images(tmp_path / "data_seq" / "UAV123" / folder, numbers, digits=6)

    return write


def _rows(first: int, last: int) -> str:
    return "".join(f"{number},5,10,20\n" for number in range(first, last + 1))


def test_the_table_is_that_of_the_benchmark():
    spans = uav_spans()
    assert len(spans) == 123
    assert sum(last - first + 1 for _, first, last in spans.values()) == 112578
    assert spans["uav1_3"] == ("uav1", 2473, 3469)


def test_a_shared_folder_is_cut_by_the_table(tmp_path, write):
    write("truck4_1", _rows(1, 577), "truck4", range(1, 1262))
    write("truck4_2", _rows(577, 1261), "truck4", [])
    first, second = read_uav123(tmp_path)
    assert (first.name, len(first), second.name, len(second)) == ("truck4_1", 577, "truck4_2", 685)
    assert second.to_published(second.boxes)[0, 0] == 577
    assert second.frames[0][0, 0, 0] == 577 % 200
    assert second.frames[-1][0, 0, 0] == 1261 % 200


def test_nan_is_absent_and_all_four_numbers_must_be_positive(tmp_path, write):
    write("mine", "1,1,5,5\nNaN,NaN,NaN,NaN\n0,1,5,5\n1,1,5,0\n", "mine", range(1, 5))
    (sequence,) = read_uav123(tmp_path)
    assert sequence.visible.tolist() == [True, False, False, False]
    assert np.isnan(sequence.boxes[1]).all()
    assert (sequence.boxes[0].tolist(), sequence.origin) == ([0, 0, 5, 5], 1)


CONFIG = r"""function seqs = configSeqs
seqsUAV = {struct('name','mine_2','path','F:\data_seq\UAV123\mine\','startFrame',3,'endFrame',4,
    'nz',6,'ext','jpg','init_rect',[0,0,0,0]),...
  struct('name', 'other', 'path', '../data_seq/other/', 'startFrame', 1, 'endFrame', 9, 'nz', 6)};
seqsLong = {struct('name','other','path','x/','startFrame',1,'endFrame',99,'nz',6,'ext','jpg')};
"""


def test_a_file_of_the_toolkit_is_followed(tmp_path, write, write_text):
    write_text(tmp_path / "configSeqs.m", CONFIG.replace("\n", "\r\n"))
    spans = read_spans(tmp_path / "configSeqs.m")
    assert spans == {"mine_2": ("mine", 3, 4), "other": ("other", 1, 9)}
    write("mine_2", _rows(3, 4), "mine", range(1, 7))
    (sequence,) = read_uav123(tmp_path)
    assert [frame[0, 0, 0] for frame in sequence.frames] == [3, 4]


@pytest.mark.parametrize("text", ["seqs = {};", "struct('name','a','path','b/','startFrame',x)"])
def test_another_file_is_refused(tmp_path, write_text, text):
    write_text(tmp_path / "configSeqs.m", text)
    with pytest.raises(InputError, match=r"configSeqs\.m: "):
        read_spans(tmp_path / "configSeqs.m")


def test_counts_must_match(tmp_path, write):
    write("truck4_1", _rows(1, 5), "truck4", range(1, 6))
    with pytest.raises(InputError, match=r"truck4_1: 5 boxes .* frames 1 to 577"):
        read_uav123(tmp_path)


def test_missing_frames_are_named_and_missing_folders_passed_over(tmp_path, write, write_text):
    write("uav6", _rows(1, 109), "uav6", range(1, 110))
    write_text(tmp_path / "anno/UAV123/uav2.txt", _rows(1, 133))
    assert [each.name for each in read_uav123(tmp_path)] == ["uav6"]
    (tmp_path / "data_seq/UAV123/uav6/000107.png").unlink()
    with pytest.raises(InputError, match=r"uav6: no .*000107\.png, 108 of 109"):
        read_uav123(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no UAV123 sequences here"):
        read_uav123(tmp_path)


def test_uav_dev_is_read_in_its_own_layout(shared):
    sequences = {each.name: each for each in read_uav123(shared / "data" / "uav-dev")}
    assert sorted(sequences) == ["person11", "truck2", "wakeboard7"]
    np.testing.assert_array_equal(sequences["person11"].boxes[0], [274.5, 115.5, 20.5, 41])
