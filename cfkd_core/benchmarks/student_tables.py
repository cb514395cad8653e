"""The thesis's tables 4.2 to 4.5 again: each printed score, and beside it that of our own network.

Each row has a tracker of ours: an experiment of `cfkd_core.experiments.rows`, its weights, and its
recorded runs. What is not there yet is said, not guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cfkd_core import paths
from cfkd_core.benchmarks import records
from cfkd_core.benchmarks.records import Ordering, Outcome
from cfkd_core.benchmarks.report import Report
from cfkd_core.models.tensor_file import read_card

TEACHER, STUDENT = "atom", "cfkd"
SCORES = ("precision_at_20", "success_auc")


@dataclass(frozen=True)
class Row:
    """A row of one of the tables.

    Attributes:
        label: what the page calls it.
        tracker: name of our experiment, weights and records.
        precision_at_20, success_auc: on OTB-100 as printed, per cent; NaN where the table has no
            such number, or no such row.
    """

    label: str
    tracker: str
    precision_at_20: float = np.nan
    success_auc: float = np.nan


# In the order in which the tables print them.
_LOSSES = {
    "ablation_gt": "GT",
    "ablation_ts": "TS",
    "ablation_ts_ah": "TS+AH",
    "ablation_ts_ah_fidelity": "TS+AH+fidelity",
    STUDENT: "CFKD, all four",
    "ablation_separate": "all, separately",
    TEACHER: "teacher",
}
_BACKBONES = {
    TEACHER: "teacher",
    "cfkd_resnet18_m": "ResNet-18-m",
    "cfkd_resnet18_s": "ResNet-18-s",
    "cfkd_resnet18_t": "ResNet-18-t",
    # Every student of this table starts from random weights, as in the author's code; the mini
    # recipe starts `cfkd` from ImageNet's, which no narrow ResNet has.
    "cfkd_random": "MobileNetV2",
}
_RIVALS = {"wang": "Wang et al.", "liu": "Liu et al.", STUDENT: "CFKD"}
_DRNETS = {"drnet": "DRNet", "mdrnet": "mDRNet", TEACHER: "ATOM", STUDENT: "mATOM"}

# Ours alone: what the thesis leaves out, and what a row is to be measured by.
_MORE = {
    2: (
        Row("CFKD, weights of the code", "cfkd_code"),
        Row("CFKD, normalised fidelity", "cfkd_normalised"),
        Row("CFKD, random start", "cfkd_random"),
        Row("our recipe", "matom"),
        Row("no head at all", "classifier"),
    ),
    3: (Row("from ImageNet", STUDENT),),
    4: (Row("Wang et al., corrected", "wang_corrected"), Row("teacher", TEACHER)),
    5: (),
}

CLAIMED: Mapping[int, tuple[tuple[str, str], ...]] = {
    2: (
        ("ablation_ts", "ablation_gt"),
        ("ablation_ts_ah", "ablation_ts"),
        ("ablation_ts_ah_fidelity", "ablation_ts_ah"),
        (STUDENT, "ablation_ts_ah_fidelity"),
        (STUDENT, "ablation_separate"),
        (TEACHER, STUDENT),
    ),
    3: (
        ("cfkd_random", "cfkd_resnet18_m"),
        ("cfkd_random", "cfkd_resnet18_s"),
        ("cfkd_random", "cfkd_resnet18_t"),
        ("cfkd_resnet18_m", "cfkd_resnet18_s"),
        ("cfkd_resnet18_s", "cfkd_resnet18_t"),
    ),
    4: ((STUDENT, "liu"), (STUDENT, "wang"), ("liu", "wang")),
    5: (("drnet", TEACHER), ("mdrnet", STUDENT), ("drnet", "mdrnet")),
}
"""By number of the table: which tracker the thesis says is better than which. Thesis pp. 38-43."""


def rows(number: int) -> tuple[Row, ...]:
    """The rows of Table 4.`number`, as printed, and after them ours that it does not have."""
    table = pd.read_csv(paths.THESIS / f"table_4_{number}.csv")
    if number == 2:
        printed = _labelled(_LOSSES, table["precision"], table["success_auc"])
    elif number == 4:
        otb = table[table["dataset"] == "OTB-100"].set_index("metric")
        columns = [name if name in otb else "cfkd" for name in _RIVALS]
        printed = _labelled(_RIVALS, *(otb.loc[m, columns] for m in ("precision", "success_auc")))
    else:
        labels = _BACKBONES if number == 3 else _DRNETS
        unknown = [np.nan] * len(labels)
        printed = _labelled(labels, unknown, table["otb100_success_auc"])
    return printed + _MORE[number]


def _labelled(labels: Mapping[str, str], precision, success) -> tuple[Row, ...]:
    columns = zip(labels.items(), precision, success, strict=True)
    return tuple(Row(label, name, float(p), float(s)) for (name, label), p, s in columns)


def beside(
    number: int, reports: Mapping[str, Report | None], weights: Path = paths.WEIGHTS
) -> pd.DataFrame:
    """One row a row of Table 4.`number`: printed and own scores in per cent, and what they rest on.

    Args:
        reports: by tracker; None, or no entry, where it was not run.
        weights: folder of the cards.

    Returns:
        For each score the columns "<score>, thesis", "<score>, ours" and "± <score>" (between
        seeds); "iou_correlation" of predicted and true overlap on pairs held out of training;
        "runs", and a "note" where there are none.
    """
    return pd.DataFrame.from_dict(
        {row.label: _entry(row, reports.get(row.tracker), weights) for row in rows(number)},
        orient="index",
    )


def _entry(row: Row, report: Report | None, weights: Path) -> dict[str, object]:
    entry: dict[str, object] = {}
    for score in SCORES:
        entry[f"{score}, thesis"] = getattr(row, score)
        entry[f"{score}, ours"] = 100 * report.scores[score] if report else np.nan
        entry[f"± {score}"] = 100 * report.spread.get(score, np.nan) if report else np.nan
    file = weights / f"{row.tracker}.safetensors"
    validation = card(row.tracker, weights).get("validation", {})
    entry["iou_correlation"] = validation.get("validation_iou_correlation", np.nan)
    entry["runs"] = report.repetitions if report else 0
    entry["note"] = "" if report else _needs(file)
    return entry


def card(tracker: str, weights: Path = paths.WEIGHTS) -> dict:
    """What is known of the tracker's weights; empty if none ship."""
    file = weights / f"{tracker}.safetensors"
    return read_card(file) if file.is_file() else {}


def _needs(file: Path) -> str:
    if file.is_file():
        return "trained, but not run: needs runs on videos"
    return f"not run: needs `train {file.stem}`, and runs on videos"


def orderings(
    number: int, reports: Mapping[str, Report | None], score: str
) -> list[tuple[Ordering, float]]:
    """What the thesis says is better than what, tested on the reports at hand.

    Returns:
        Each with the difference as printed, in per cent; NaN where the table has none.
    """
    printed = {row.tracker: getattr(row, score) for row in rows(number)}
    return [
        (
            records.ordering(pair, (reports.get(pair[0]), reports.get(pair[1])), score),
            printed[pair[0]] - printed[pair[1]],
        )
        for pair in CLAIMED[number]
    ]


def trackers(number: int) -> tuple[str, ...]:
    """The trackers of a table's rows."""
    return tuple(row.tracker for row in rows(number))


def labels(number: int) -> dict[str, str]:
    """Tracker -> what Table 4.`number` calls it."""
    return {row.tracker: row.label for row in rows(number)}


def tally(found: list[tuple[Ordering, float]]) -> dict[Outcome, int]:
    """How many orderings came out in each way."""
    outcomes: dict[Outcome, int] = dict.fromkeys(
        ("held", "contradicted", "undecided", "not run"), 0
    )
    for each, _ in found:
        outcomes[each.outcome] += 1
    return outcomes


def by_sequence(number: int, reports: Mapping[str, Report | None], score: str) -> pd.DataFrame:
    """One row a sequence, one column a row of the table that was run; per cent."""
    found = {row.label: reports.get(row.tracker) for row in rows(number)}
    columns = {
        label: report.by_sequence()[score] * 100 for label, report in found.items() if report
    }
    return pd.DataFrame(columns)


def as_markdown(number: int, frame: pd.DataFrame) -> str:
    """A table of `beside` for the page: per cent with one decimal, and the spread between seeds.

    Scores that Table 4.`number` does not print have no column of their own.
    """
    lines = []
    for label, row in frame.iterrows():
        cells = [str(label)]
        for score in SCORES:
            if number in (2, 4) or score == "success_auc":
                cells.append(_number(row[f"{score}, thesis"], ".1f"))
            cells.append(_own(row, score))
        cells += [_number(row["iou_correlation"], ".2f"), str(row["runs"])]
        lines.append(cells)
    headings = ["", "P@20, thesis", "P@20, ours", "AUC, thesis", "AUC, ours"]
    if number not in (2, 4):
        headings.remove("P@20, thesis")
    headings += ["IoU corr.", "runs"]
    rule = "|:--" + "|--:" * (len(headings) - 1) + "|"
    heading, *body = ["| " + " | ".join(cells) + " |" for cells in [headings, *lines]]
    return "\n".join([heading, rule, *body])


def _own(row: pd.Series, score: str) -> str:
    value, deviation = row[f"{score}, ours"], row[f"± {score}"]
    if np.isnan(value):
        return "not run"
    return f"{value:.1f}" if np.isnan(deviation) else f"{value:.1f} ± {deviation:.1f}"


def _number(value: float, how: str) -> str:
    return "–" if np.isnan(value) else format(value, how)


def notes(frame: pd.DataFrame) -> str:
    """What the rows that were not run would need, as a Markdown list; empty if all were."""
    missing = frame[frame["note"] != ""]["note"]
    return "\n".join(f"- {label}: {note}" for label, note in missing.items())
