"""The scores of published boxes that ship, against those boxes where they are at hand."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book"))

import records  # noqa: E402

from cfkd_core.benchmarks.report import load_json  # noqa: E402


def by_key(reports):
    return {(each.tracker, each.benchmark): each for each in reports}


def test_otb_records_are_what_the_boxes_give(shared, monkeypatch):
    # two of them: the others take as long each
    few = {name: records.OTB_RUNS[name] for name in ("SRDCF", "CFNet_SiamFC-3s")}
    monkeypatch.setattr(records, "OTB_RUNS", few)
    recorded = by_key(load_json(records.OTB_RECORD))
    for found in records.otb_reports(shared / "oracles" / "otb"):
        stored = recorded[found.tracker, found.benchmark]
        assert stored.scores == pytest.approx(found.scores, abs=1e-9)
        assert len(stored.sequences) == 100
        for one, other in zip(stored.sequences, found.sequences, strict=True):
            assert (one.name, one.frames) == (other.name, other.frames)
            assert one.attributes == other.attributes
            assert one.curves["success"] == pytest.approx(other.curves["success"], abs=6e-5)


@pytest.mark.slow
def test_vot_records_are_what_the_runs_give(shared):
    recorded = by_key(load_json(records.VOT_RECORD))
    found = by_key(records.vot_reports(shared / "oracles" / "vot"))
    assert recorded.keys() == found.keys()
    for key, report in found.items():
        assert recorded[key].scores == pytest.approx(report.scores, abs=1e-9)


def test_records_are_small_and_name_their_source():
    for path in (records.OTB_RECORD, records.VOT_RECORD):
        assert path.stat().st_size < 600_000
        for each in load_json(path):
            assert each.source
            assert each.sequences
            assert not each.missing
