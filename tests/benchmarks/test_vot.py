"""Runs with restarts, in memory and in VOT's files."""

import numpy as np
import pytest

from cfkd_core.benchmarks import vot
from cfkd_core.errors import InputError

TEXT = "1\n1.5,2,3,4\n2\n0\n0\n0\n0\n1\n5,6,7,8\n"


def test_a_run_is_read_line_by_line():
    run = vot.parse_run(TEXT, "toy")
    assert len(run) == 9
    assert run.codes.tolist() == [1, -1, 2, 0, 0, 0, 0, 1, -1]
    assert run.failures.tolist() == [2]
    np.testing.assert_array_equal(run.regions[run.tracked], [[1.5, 2, 3, 4], [5, 6, 7, 8]])
    assert np.isnan(run.regions[~run.tracked]).all()


def test_a_written_run_is_read_back(tmp_path):
    run = vot.parse_run(TEXT, "toy")
    vot.write_run(tmp_path / "a/a_001.txt", run)
    again = vot.read_run(tmp_path / "a/a_001.txt")
    np.testing.assert_array_equal(again.codes, run.codes)
    np.testing.assert_array_equal(again.regions, run.regions)


def test_a_rectangle_stays_one_among_quadrilaterals(tmp_path):
    run = vot.parse_run("1\n1,2,3,4\n0,0,1,0,1,1,0,1", "toy")
    expected = [[np.nan] * 8, [1, 2, 3, 4, *[np.nan] * 4], [0, 0, 1, 0, 1, 1, 0, 1]]
    np.testing.assert_array_equal(run.regions, expected)
    vot.write_run(tmp_path / "a.txt", run)
    assert (tmp_path / "a.txt").read_text().splitlines()[1] == "1.0000,2.0000,3.0000,4.0000"
    np.testing.assert_array_equal(vot.read_run(tmp_path / "a.txt").regions, expected)


def test_delimiters_line_ends_and_decimals_are_no_matter():
    run = vot.parse_run("1.0000\r\n1\t2\t3\t4\r\n\r\n", "toy")
    assert run.codes.tolist() == [1, -1]


@pytest.mark.parametrize("line", ["3", "-1", "1,2,3", "x", "nan,nan,nan,nan", "1,2,3,inf"])
def test_other_lines_are_refused_with_their_place(line):
    with pytest.raises(InputError, match="toy, line 2"):
        vot.parse_run(f"1\n{line}\n", "toy")


@pytest.mark.parametrize("line", ["335,,90,66,0.9", "1_0", "1_0,2,3,4"])
def test_a_line_that_lacks_a_number_is_not_read_as_another(line):
    with pytest.raises(InputError, match="toy, line 2: expected a code 0, 1 or 2, or a region"):
        vot.parse_run(f"1\n{line}\n", "toy")


@pytest.mark.parametrize("text", ["1,2,3,4\n1,2,3,4\n", "0\n1\n", "2\n"])
def test_a_run_begins_with_an_initialisation(text):
    with pytest.raises(InputError, match="toy, line 1: a run with restarts begins with the code 1"):
        vot.parse_run(text, "toy")


def test_missing_empty_and_binary_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such VOT result"):
        vot.read_run(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text("\n")
    with pytest.raises(InputError, match="empty"):
        vot.read_run(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        vot.read_run(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("regions", "codes"),
    [([[np.nan] * 4], [-1]), ([[1.0, 2, 3, 4]], [2]), ([[1.0] * 4], [7]), ([[1.0] * 3], [-1])],
)
def test_a_run_is_whole(regions, codes):
    with pytest.raises(InputError):
        vot.VotRun(np.array(regions), np.array(codes))
