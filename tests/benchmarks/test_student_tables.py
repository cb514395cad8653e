"""Tables 4.2 to 4.5 with our scores beside the printed ones."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cfkd_core import paths
from cfkd_core.benchmarks import records, student_tables
from cfkd_core.benchmarks.student_tables import CLAIMED, beside, orderings, rows
from cfkd_core.experiments.rows import EXPERIMENTS

NUMBERS = (2, 3, 4, 5)


@pytest.fixture(scope="module")
def matom():
    return records.pooled("matom", (records.OTB,))


@pytest.mark.parametrize("number", NUMBERS)
def test_every_row_is_an_experiment_or_needs_none(number):
    names = student_tables.trackers(number)
    assert set(names) - {"classifier"} <= set(EXPERIMENTS)
    assert len(names) == len(set(names))
    assert {name for pair in CLAIMED[number] for name in pair} <= set(names)


@pytest.mark.parametrize("number", NUMBERS)
def test_experiments_say_which_table_they_are_of(number):
    """The rows' own words agree with the place they are given here."""
    teachers = {"atom", "drnet", "cfkd", "cfkd_random"}
    for row in rows(number):
        if not np.isnan(row.success_auc) and row.tracker not in teachers:
            assert f"table 4.{number}" in EXPERIMENTS[row.tracker].reproduces


def test_printed_numbers_stand_in_their_rows():
    printed = {row.label: row for row in rows(2)}
    assert printed["GT"].precision_at_20 == 65.4
    assert printed["all, separately"].success_auc == 59.5
    assert np.isnan(printed["no head at all"].success_auc)
    assert {row.label: row.success_auc for row in rows(3)}["ResNet-18-t"] == 48.3
    rivals = {row.label: row for row in rows(4)}
    assert (rivals["Liu et al."].precision_at_20, rivals["CFKD"].success_auc) == (74.2, 62.4)
    assert [row.success_auc for row in rows(5)] == [67.6, 63.0, 66.6, 62.4]


def test_students_of_table_3_start_alike():
    """A network that starts from ImageNet must not be compared with one that does not."""
    from cfkd_core.experiments.recipes import resolve

    starts = {resolve(name, "mini").start for pair in CLAIMED[3] for name in pair if name != "atom"}
    assert starts == {"random"}


def test_a_run_stands_beside_its_row(matom):
    table = beside(2, {"matom": matom})
    row = table.loc["our recipe"]
    assert row["success_auc, ours"] == pytest.approx(100 * matom.scores["success_auc"])
    assert row["± success_auc"] == pytest.approx(100 * matom.spread["success_auc"])
    assert row["runs"] == matom.repetitions >= 3
    card = json.loads((paths.WEIGHTS / "matom.json").read_text())
    assert row["iou_correlation"] == card["validation"]["validation_iou_correlation"]
    assert row["note"] == ""


def test_what_is_missing_is_said(tmp_path):
    row = beside(2, {}, weights=tmp_path).loc["GT"]
    assert np.isnan(row["success_auc, ours"])
    assert row["note"] == "not run: needs `train ablation_gt`, and runs on videos"
    assert beside(2, {}).loc["teacher", "note"].startswith("trained, but not run")


def test_markdown_has_a_line_a_row(matom):
    table = beside(2, {"matom": matom})
    lines = student_tables.as_markdown(2, table).splitlines()
    assert len(lines) == 2 + len(table)
    assert len({line.count("|") for line in lines}) == 1
    (ours,) = [line for line in lines if "our recipe" in line]
    assert f"{100 * matom.scores['success_auc']:.1f} ± " in ours
    assert "| not run |" in lines[2]
    assert "P@20, thesis" not in student_tables.as_markdown(3, beside(3, {}))
    assert "GT: trained, but not run" in student_tables.notes(table)
    assert student_tables.notes(table[table["note"] == ""]) == ""


def test_orderings_carry_the_printed_difference(matom):
    better = replace(
        matom,
        sequences=tuple(
            replace(each, curves={name: (1.0,) * len(v) for name, v in each.curves.items()})
            for each in matom.sequences
        ),
    )
    found = orderings(4, {"cfkd": better, "liu": matom}, "success_auc")
    (first, printed), *rest = found
    assert (first.first, first.second, first.outcome) == ("cfkd", "liu", "held")
    assert printed == pytest.approx(62.4 - 55.1)
    assert all(each.outcome == "not run" for each, _ in rest)
    assert student_tables.tally(found) == {
        "held": 1,
        "contradicted": 0,
        "undecided": 0,
        "not run": 2,
    }


def test_sequences_have_a_column_for_what_was_run(matom):
    grid = student_tables.by_sequence(2, {"matom": matom}, "success_auc")
    assert list(grid.columns) == ["our recipe"]
    assert grid.loc["Woman", "our recipe"] == pytest.approx(
        100 * matom.by_sequence().loc["Woman", "success_auc"]
    )
    assert isinstance(student_tables.by_sequence(2, {}, "success_auc"), pd.DataFrame)
