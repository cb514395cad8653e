"""Claims of the thesis's text about its own tables, decided by the tables."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pandas as pd

from cfkd_core import paths
from cfkd_core.claims.finding import Finding, decided


@cache
def _table(number: int, index: str) -> pd.DataFrame:
    """Table 4.`number` by the values of one of its columns."""
    return pd.read_csv(paths.THESIS / f"table_4_{number}.csv").set_index(index)


def _value(number: int, index: str, row: str, column: str) -> float:
    return float(_table(number, index).loc[row, column])


def change(
    number: int,
    index: str,
    column: str,
    rows: Sequence[str],
    percent: float,
    tolerance: float,
) -> Finding:
    """By how much a number changes from one row to another, in per cent of the first.

    Args:
        index: column that names the rows.
        rows: the first and the second; names are looked up in the first row that has them.
        percent: as the text says, with its sign.
        tolerance: what "around" is taken to allow.
    """
    first, second = (_value(number, index, row, column) for row in rows)
    found = 100 * (second / first - 1)
    return decided(
        abs(found - percent) <= tolerance,
        f"Table 4.{number} goes from {first:g} to {second:g}: {found:+.1f} %",
    )


def loss_change(rows: Sequence[Sequence[str]], percent: float, tolerance: float) -> Finding:
    """`change` of both scores of Table 4.2, whose rows are named by terms and multi-task column."""
    table = pd.read_csv(paths.THESIS / "table_4_2.csv").astype({"multitask": object})
    picked = [_loss_row(table, *row) for row in rows]
    found = {
        score: 100 * (float(picked[1][score]) / float(picked[0][score]) - 1)
        for score in ("precision", "success_auc")
    }
    words = ", ".join(f"{name.replace('_', ' ')} {value:+.1f} %" for name, value in found.items())
    return decided(
        all(abs(value - percent) <= tolerance for value in found.values()), f"Table 4.2: {words}"
    )


def _loss_row(table: pd.DataFrame, losses: str, multitask: str | None = None) -> pd.Series:
    rows = table[table["losses"] == losses]
    return (rows if multitask is None else rows[rows["multitask"] == multitask]).iloc[0]


def loss_differences() -> Finding:
    """Whether each bracket of Table 4.2 is the row's score less the teacher's."""
    table = pd.read_csv(paths.THESIS / "table_4_2.csv")
    teacher, rows = table.iloc[-1], table.iloc[:-1]
    off = max(
        float((rows[score] - teacher[score] - rows[f"{score}_change"]).abs().max())
        for score in ("precision", "success_auc")
    )
    return decided(off < 0.05, f"largest deviation {off:.2f} in {2 * len(rows)} brackets")


def best_everywhere(number: int, index: str, best: str) -> Finding:
    """Whether one column of a table is the highest in each of its rows."""
    table = _table(number, index).select_dtypes("number")
    highest = int((table[best] == table.max(axis=1)).sum())
    return decided(highest == len(table), f"highest in {highest} of {len(table)} rows")


def same_in_both(dataset: str, metric: str, number: int, column: str) -> Finding:
    """Whether Table 4.4 prints the number for CFKD that Table 4.`number` prints for mATOM.

    Args:
        dataset, metric: the row of Table 4.4.
        column: of the other table.
    """
    table = _table(4, "dataset")
    here = float(table[table["metric"] == metric].loc[dataset, "cfkd"])
    there = _value(number, "tracker", "mATOM", column)
    return decided(here == there, f"{here:g} in Table 4.4, {there:g} in Table 4.{number}")


def outperform(
    number: int, column: str, students: Sequence[str], passed_over: Sequence[str]
) -> Finding:
    """Whether the students score higher than all others of a table.

    Args:
        passed_over: teachers, and rivals that the text excepts.
    """
    scores = _table(number, "tracker")[column]
    others = scores.drop([*students, *passed_over])
    above = others[others > min(scores[list(students)])]
    ours = ", ".join(f"{name} {scores[name]:g}" for name in students)
    words = ", ".join(f"{name} {value:g}" for name, value in above.items())
    return decided(
        above.empty, f"{ours}; above one of them, of {len(others)} others: {words or 'none'}"
    )


def ranked(number: int, column: str) -> Finding:
    """Whether a table's rows are sorted by a column, each year by itself."""
    table = pd.read_csv(paths.THESIS / f"table_4_{number}.csv")
    years = [part for _, part in table.groupby("year")] if "year" in table else [table]
    steps = [
        (above, below)
        for part in years
        for above, below in pairwise(part[["tracker", column]].itertuples(index=False))
        if below[1] > above[1]
    ]
    words = "; ".join(f"{b[0]} ({b[1]:g}) stands below {a[0]} ({a[1]:g})" for a, b in steps)
    return decided(not steps, words or f"{len(table)} rows, all in order")


def students_follow_teachers(scores: Sequence[Sequence[Any]]) -> Finding:
    """Whether the students rank as their teachers do.

    Args:
        scores: table, index column and score column of each data set.
    """
    words, holds = [], True
    for number, index, column in scores:
        value = {
            name: _value(number, index, name, column)
            for name in ("ATOM", "DRNet", "mATOM", "mDRNet")
        }
        teachers, students = value["ATOM"] - value["DRNet"], value["mATOM"] - value["mDRNet"]
        holds = holds and teachers * students > 0
        words.append(
            f"Table 4.{number}: ATOM less DRNet {teachers:+.1f}, mATOM less mDRNet {students:+.1f}"
        )
    return decided(holds, "; ".join(words))


def students_above_teachers() -> Finding:
    """Whether the students' EAO exceeds their teachers' in both years of Table 4.8."""
    table = pd.read_csv(paths.THESIS / "table_4_8.csv").set_index(["year", "tracker"])["eao"]
    gaps = {
        f"{year} {student}": float(table[year, student] - table[year, teacher])
        for year in (2018, 2019)
        for teacher, student in (("ATOM", "mATOM"), ("DRNet", "mDRNet"))
    }
    words = ", ".join(f"{name} {gap:+.3f}" for name, gap in gaps.items())
    return decided(min(gaps.values()) > 0, f"student less teacher: {words}")


CHECKS = (
    change,
    loss_change,
    loss_differences,
    best_everywhere,
    same_in_both,
    outperform,
    ranked,
    students_follow_teachers,
    students_above_teachers,
)
