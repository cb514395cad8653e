"""The entrants' raw results, scored by both VOT toolkits' rules."""

import functools
import json
from pathlib import Path

import pytest

from cfkd_core.benchmarks.protocols import VOT_PROTOCOLS
from cfkd_core.benchmarks.published import read_restarts, read_vot_annotation
from cfkd_core.benchmarks.report import Report
from cfkd_core.benchmarks.scoring import make_report, score_passes

SLOW = pytest.mark.slow
ENTRANTS = [
    "VOT2018/DaSiamRPN",
    "VOT2018/LightTrack",
    pytest.param("VOT2018/NanoTrackV1", marks=SLOW),
    pytest.param("VOT2018/SiamAPN", marks=SLOW),
    pytest.param("VOT2018/SiamFCpp_st", marks=SLOW),
    "VOT2019/LightTrack",
    pytest.param("VOT2019/NanoTrackV1", marks=SLOW),
    pytest.param("VOT2019/SiamAPN", marks=SLOW),
]


@functools.cache
def _reports(folder: Path, entrant: str) -> tuple[Report, Report]:
    """By the legacy rule and by the toolkit's, each with its own overlaps."""
    year, tracker = entrant.split("/")
    truths = read_vot_annotation(folder / f"{year}.json.gz")
    runs = read_restarts(folder / f"results/{year}_{tracker}.zip")
    assert runs.keys() == truths.keys()
    longest = max(len(each.regions) for each in truths.values())

    def scored(protocol):
        for name, each in truths.items():
            found = protocol.passes(runs[name], each.regions, each.size)
            yield score_passes(protocol, name, found, longest)

    return tuple(
        make_report(protocol, list(scored(protocol)), benchmark=year, tracker=tracker)
        for protocol in (
            VOT_PROTOCOLS[f"{rule}-{year[3:]}"] for rule in ("vot-legacy", "vot-toolkit-0.9")
        )
    )


@pytest.mark.parametrize("entrant", ENTRANTS)
def test_scores_are_those_of_both_toolkits(shared, entrant):
    folder = shared / "oracles/vot"
    stored = json.loads((folder / "scores.json").read_text())["computed"][entrant]
    legacy, toolkit = (report.scores for report in _reports(folder, entrant))
    assert round(legacy["eao"], 4) == stored["EAO_legacy"]
    assert round(legacy["accuracy"], 3) == stored["A_pysot"]
    assert round(legacy["robustness"], 3) == stored["R_pysot_per100"]
    assert round(toolkit["robustness"], 3) == pytest.approx(
        stored["R_votkit_lenw_failures"], abs=1e-3
    )
    assert toolkit["eao"] == pytest.approx(stored["EAO_votkit090"], abs=5e-4)
    assert toolkit["accuracy"] == pytest.approx(stored["A_votkit_lenw"], abs=5e-4)


def test_siamrpn_of_2018_has_its_official_numbers(shared):
    legacy, _ = _reports(shared / "oracles/vot", "VOT2018/DaSiamRPN")
    rounded = {name: round(value, 3) for name, value in legacy.scores.items()}
    assert rounded == {"eao": 0.383, "accuracy": 0.586, "robustness": 0.276, "reliability": 0.92}
    failures = sum(each.scores["robustness"] * each.frames / 100 for each in legacy.sequences)
    assert failures == pytest.approx(59)
