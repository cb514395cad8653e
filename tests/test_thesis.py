"""The tables of `data/thesis` against the text of the thesis."""

import csv

import pytest

from cfkd_core import paths


def rows(file):
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def numbers(line):
    """Every number of a printed line, with its units and brackets taken off."""
    found = []
    for word in line.replace("(", " ").replace(")", " ").replace("/", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return found


@pytest.mark.parametrize("number", range(1, 9))
def test_every_row_is_printed_in_the_thesis(number, shared):
    printed = [numbers(line) for line in (shared / "thesis.txt").read_text().splitlines()]
    for row in rows(paths.THESIS / f"table_4_{number}.csv")[1:]:
        values = numbers(" ".join(row))
        if number == 8:  # two tables side by side, the year in the headline
            values = values[1:]
        if number == 2:  # precision and success, each with its change behind it
            values = values[:2] if len(values) == 2 else [values[i] for i in (0, 2, 1, 3)]
        assert any(
            values == line[start : start + len(values)]
            for line in printed
            for start in range(len(line))
        ), row


@pytest.mark.parametrize("number", range(1, 9))
def test_every_row_has_every_column(number):
    table = rows(paths.THESIS / f"table_4_{number}.csv")
    assert {len(row) for row in table} == {len(table[0])}
