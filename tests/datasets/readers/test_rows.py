"""Files of numbers: what delimits, and what is said of a line that is none."""

import numpy as np
import pytest

from cfkd_core.datasets.readers.rows import read_flags, read_rows
from cfkd_core.errors import InputError


@pytest.mark.parametrize(
    ("text", "place"),
    [("1,2,3,4\n1,2,3\n", "line 2"), ("a,b,c,d\n", "line 1"), ("1,2,3,4,5\n", "line 1")],
)
def test_unreadable_line_is_named(tmp_path, text, place):
    file = tmp_path / "boxes.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=f"{place}: expected 4 numbers"):
        read_rows(file, 4)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00\xd8"])
def test_file_without_rows_is_refused(tmp_path, content):
    file = tmp_path / "boxes.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"boxes\.txt"):
        read_rows(file, 4)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"boxes\.txt: no such file"):
        read_rows(tmp_path / "boxes.txt", 4)


@pytest.mark.parametrize("text", ["0,1,1", "0, 1, 1\r\n", "0\n1\n1\n", "0 1.0 1", "0,1,1,\n"])
def test_flags_stand_in_one_line_or_one_a_line(tmp_path, text):
    file = tmp_path / "marks.txt"
    file.write_text(text)
    np.testing.assert_array_equal(read_flags(file, 3), [False, True, True])


@pytest.mark.parametrize(
    ("text", "message"), [("0,1", "2 marks for 3"), ("0,1,2", "'2'"), ("", "empty")]
)
def test_other_flags_are_refused(tmp_path, text, message):
    file = tmp_path / "marks.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=rf"marks\.txt: .*{message}"):
        read_flags(file, 3)
