"""Scores what other authors have published, and records it in data/results.

python book/records.py ORACLES

ORACLES holds `otb/otb100_gt.json`, `otb/raw_results/<run>.npz` (boxes by sequence) and, for VOT,
what `read_vot_entrants` reads in `vot/`.
"""

import json
import sys
from dataclasses import asdict, replace
from math import isnan
from pathlib import Path

import numpy as np

from cfkd_core import paths
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.report import Report
from cfkd_core.benchmarks.scoring import Annotation, score_one_pass
from cfkd_core.benchmarks.thesis_tables import read_vot_entrants
from cfkd_core.datasets.readers.otb import read_attributes
from cfkd_core.files import write_text

# File of boxes -> how the trackers are called.
OTB_RUNS = {
    "CFNet_cfnet-conv5": "CFNet",
    "CFNet_SiamFC-3s": "SiamFC",
    "SRDCF": "SRDCF",
    "MEEM": "MEEM",
    "KCF_LinearHog": "DCF",
    "DSST": "DSST",
    "Struck": "Struck",
    "TLD": "TLD",
}
OTB_RECORD = paths.DATA / "results" / "otb100" / "published.json"
VOT_RECORD = paths.DATA / "results" / "vot" / "entrants.json"


def otb_reports(folder: Path) -> list[Report]:
    """OTB-100's scores of each run of `OTB_RUNS`, the best first."""
    truths = _otb_truths(folder / "otb100_gt.json")
    reports = []
    for run, name in OTB_RUNS.items():
        with np.load(folder / "raw_results" / f"{run}.npz") as stored:
            boxes = {each: [stored[each].astype(float)] for each in stored.files}
        reports.append(
            score_one_pass(
                PROTOCOLS["otb"],
                truths,
                boxes,
                benchmark="otb100",
                tracker=name,
                source=f"the boxes that its authors published ({run})",
            )
        )
    return sorted(reports, key=lambda report: -report.scores["success_auc"])


def _otb_truths(path: Path) -> list[Annotation]:
    """OTB-100's annotation, counted from 0, with the benchmark's names and attributes."""
    plain = {name.casefold().replace(".", "-"): name for name in read_attributes()}
    truths = []
    for key, entry in json.loads(path.read_text(encoding="utf-8"))["sequences"].items():
        # the toolkit's results of Tiger1 leave out its first five frames
        printed = np.array(entry["gt_rect"], float)[5 if key.casefold() == "tiger1" else 0 :]
        name = plain[key.casefold().replace(".", "-")]
        visible = (printed > 0).all(axis=1)
        attributes = read_attributes()[name]
        truths.append(Annotation(name, printed - [1, 1, 0, 0], visible, attributes, origin=1))
    return truths


def vot_reports(folder: Path) -> list[Report]:
    """VOT2018's and 2019's scores of the entrants at hand, without their long curves."""
    reports = [report for year in (2018, 2019) for report in read_vot_entrants(folder, year)]
    return [
        replace(
            report,
            thresholds={},
            sequences=tuple(
                replace(each, curves={}, weights={}, attributes=()) for each in report.sequences
            ),
        )
        for report in reports
    ]


def text(reports: list[Report]) -> str:
    """Reports as compact JSON that `load_json` reads: a line each, curves to four decimals."""
    rows = []
    for report in reports:
        entry = asdict(report)
        for each in entry["sequences"]:
            each["scores"] = {
                name: None if isnan(value) else value for name, value in each["scores"].items()
            }
            each["curves"] = {
                name: [round(value, 4) for value in values]
                for name, values in each["curves"].items()
            }
        rows.append(json.dumps(entry, separators=(",", ":"), allow_nan=False))
    return "[\n" + ",\n".join(rows) + "\n]\n"


def main(oracles: Path) -> None:
    write_text(OTB_RECORD, text(otb_reports(oracles / "otb")))
    write_text(VOT_RECORD, text(vot_reports(oracles / "vot")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
