"""The thesis's tables 4.6 to 4.8 again: each printed number, and beside it the recomputed one.

What is at hand decides what is recomputed: reports of our own runs, or of raw results that the
entrants have published. For every other row the table says what it would need.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cfkd_core import paths
from cfkd_core.benchmarks.protocols import VOT_PROTOCOLS
from cfkd_core.benchmarks.published import read_restarts, read_vot_annotation
from cfkd_core.benchmarks.report import Report, markdown
from cfkd_core.benchmarks.scoring import score_restarts
from cfkd_core.errors import InputError

_OURS = ("ATOM", "DRNet", "mATOM", "mDRNet")


@dataclass(frozen=True)
class Printed:
    """How one of the thesis's tables is to be read.

    Attributes:
        protocol: the rule of its numbers; `{year}` stands for the row's.
        benchmark: what its reports are of.
        scores: column -> the protocol's name of the score.
        unit: 100 where the table prints per cent.
        decimals: as printed.
        needs: what a row of our own needs, and what another's.
    """

    protocol: str
    benchmark: str
    scores: Mapping[str, str]
    unit: int
    decimals: int
    needs: tuple[str, str]


TABLES = {
    6: Printed(
        protocol="lasot",
        benchmark="lasot",
        scores={
            "norm_precision": "norm_precision_at_20",
            "success_auc": "success_auc",
            "precision": "precision_at_20",
        },
        unit=100,
        decimals=1,
        needs=(
            "a run on LaSOT's 280 test videos",
            "its authors' boxes on LaSOT's 280 test videos",
        ),
    ),
    7: Printed(
        protocol="trackingnet",
        benchmark="trackingnet",
        scores={
            "success_auc": "success_auc",
            "norm_precision": "norm_precision_auc",
            "precision": "precision_auc",
        },
        unit=100,
        decimals=1,
        needs=(
            "a run on TrackingNet's 511 test videos, scored by its server",
            "TrackingNet's server, which alone has the annotation",
        ),
    ),
    8: Printed(
        protocol="vot-legacy-{year}",
        benchmark="vot{year}",
        scores={"eao": "eao", "accuracy": "accuracy", "robustness": "robustness"},
        unit=1,
        decimals=3,
        needs=(
            "a real-time run on VOT{year}'s 60 videos",
            "its result files from VOT{year}'s real-time experiment",
        ),
    ),
}
"""Table 4.n by n. Which rule each follows: Benchmarks, exactly, section 2."""


def regenerate(number: int, reports: Iterable[Report]) -> pd.DataFrame:
    """Table 4.`number`: the printed scores, the recomputed ones (NaN where none is), and a note.

    A report counts for a row if tracker, benchmark and protocol are the row's; a score by another
    protocol is another score.

    Args:
        reports: whatever is at hand; those of other tables are passed over.
    """
    known = {(each.protocol, each.benchmark.casefold(), each.tracker): each for each in reports}
    printed = pd.read_csv(paths.THESIS / f"table_4_{number}.csv", dtype={"year": str})
    table = TABLES[number]
    rows = {}
    for row in printed.to_dict("records"):
        year = row.get("year", "")
        place = table.protocol.format(year=year), table.benchmark.format(year=year), row["tracker"]
        label = f"{row['tracker']} {year}".strip()
        rows[label] = _row(table, row, year, known.get(place))
    return pd.DataFrame.from_dict(rows, orient="index")


def _row(
    table: Printed, row: Mapping[Any, Any], year: str, report: Report | None
) -> dict[str, object]:
    """A printed row, its scores in pairs."""
    pairs: dict[str, object] = {}
    for column, score in table.scores.items():
        pairs[column] = float(row[column])
        pairs[f"{column}, recomputed"] = report.scores[score] * table.unit if report else np.nan
    return pairs | {"note": _note(table, row["tracker"], year, report)}


def _note(table: Printed, tracker: str, year: str, report: Report | None) -> str:
    if report is None:
        ours, theirs = table.needs
        return "needs " + (ours if tracker in _OURS else theirs).format(year=year)
    scored = len(report.sequences)
    part = f", {scored} of {scored + len(report.missing)} sequences" if report.missing else ""
    return f"from {report.source}{part}"


def as_markdown(number: int, frame: pd.DataFrame) -> str:
    """A table of `regenerate` as Markdown, with the decimals that the thesis prints."""
    return markdown(frame, decimals=TABLES[number].decimals)


# VOT's entrants are files called by another name than the challenge's ranking gives them.
# Source: the thesis's and VOT2018's numbers of SiamRPN are those of this file
# (Benchmarks, exactly, section 1.5).
_ENTRANTS = {"DaSiamRPN": "SiamRPN"}


def read_vot_entrants(folder: Path, year: int) -> list[Report]:
    """Reports of all entrants whose raw results are in a folder, by the challenge's own rule.

    The folder holds `VOT<year>.json.gz`, and a zip `results/VOT<year>_<tracker>.zip` for each.

    Raises:
        InputError: if annotation or results are missing or cannot be read.
    """
    archives = sorted((folder / "results").glob(f"VOT{year}_*.zip"))
    if not archives:
        raise InputError(f"{folder / 'results'}: no VOT{year}_<tracker>.zip here; put them there")
    truths = read_vot_annotation(folder / f"VOT{year}.json.gz").values()
    return [
        score_restarts(
            VOT_PROTOCOLS[f"vot-legacy-{year}"],
            truths,
            read_restarts(archive),
            benchmark=f"vot{year}",
            tracker=_entrant(archive, year),
            source=archive.name,
        )
        for archive in archives
    ]


def _entrant(archive: Path, year: int) -> str:
    name = archive.stem.removeprefix(f"VOT{year}_")
    return _ENTRANTS.get(name, name)
