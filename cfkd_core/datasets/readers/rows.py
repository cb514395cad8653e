"""Text files of numbers, as benchmarks have them."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core import files
from cfkd_core.errors import InputError

LARGEST = 1e30
"""In px or seconds: what is beyond it was never measured, and its square is no number."""


def read_rows(path: Path, columns: int) -> Float[np.ndarray, "t {columns}"]:
    """`columns` numbers a line; commas, tabs and spaces all delimit, and NaN is a number.

    Windows line ends, a byte order mark and blank lines at the end are no matter.

    Raises:
        InputError: naming file and line, if a line is something else, or there is none.
    """
    lines = read_lines(path)
    return np.array([read_row(line, (columns,), place) for place, line in lines])


def read_lines(path: Path) -> list[tuple[str, str]]:
    """Each line of a text file, after the place to name if something is wrong with it.

    Raises:
        InputError: if there is no such file, it is no text, or holds none.
    """
    lines = files.read_text(path).rstrip().splitlines()
    if not lines:
        raise InputError(f"{path}: empty; unpack or write it anew")
    return [(f"{path}, line {i}", line.strip()) for i, line in enumerate(lines, 1)]


def read_names(path: Path) -> list[str]:
    """The names of sequences in a list, a line each; blank lines are passed over.

    Raises:
        InputError: as `read_lines`, and if a name leads out of the folder of the list.
    """
    named = [(place, line) for place, line in read_lines(path) if line]
    for place, name in named:
        if not files.is_plain_name(name):
            raise InputError(f"{place}: {name[:60]!r} cannot name a folder here; mend the list")
    return [name for _, name in named]


def read_row(line: str, columns: tuple[int, ...], place: str) -> list[float]:
    """The numbers of a line, which must be one of `columns` many and no more than `LARGEST`.

    NaN is a number.
    """
    row = parse_numbers(line)
    if len(row) not in columns or any(abs(number) > LARGEST for number in row):
        wanted = " or ".join(map(str, columns))
        raise InputError(f"{place}: expected {wanted} numbers, got {line[:60]!r}")
    return row


# Blanks, or one comma with or without blanks around it.
_DELIMITER = re.compile(r"\s*,\s*|\s+")


def parse_numbers(line: str) -> list[float]:
    """The numbers in a line that commas, tabs or spaces delimit; none if a field is no number.

    An empty field is none: in `335,,90,66` a number is missing. Neither is `1_0`, though Python
    would read it as ten.
    """
    try:
        numbers = [float(field) for field in _DELIMITER.split(line)]
    except ValueError:
        return []
    return numbers if "_" not in line and line.isascii() else []


def read_flags(path: Path, count: int) -> Bool[np.ndarray, "{count}"]:
    """`count` marks of 0 or 1, in one line or one a line.

    Raises:
        InputError: if a mark is something else, or there are more or fewer.
    """
    marks = [mark for _, line in read_lines(path) for mark in re.split(r"[,\s]+", line)]
    values = np.array([mark in {"1", "1.0"} for mark in marks if mark])
    strange = [mark for mark in marks if mark not in {"0", "0.0", "1", "1.0", ""}]
    if strange:
        raise InputError(f"{path}: {strange[0][:20]!r} is neither 0 nor 1; unpack it anew")
    if len(values) != count:
        raise InputError(f"{path}: {len(values)} marks for {count} frames; unpack it anew")
    return values
