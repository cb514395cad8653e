"""The thesis's tables with the recomputed numbers beside."""

from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, score_one_pass
from cfkd_core.benchmarks.thesis_tables import as_markdown, read_vot_entrants, regenerate
from cfkd_core.errors import InputError


def _report(tracker: str, protocol: str, benchmark: str):
    truth = np.tile([10.0, 10, 20, 20], (4, 1))
    truths = [Annotation(name, truth, np.ones(4, bool)) for name in "ab"]
    return score_one_pass(
        PROTOCOLS[protocol],
        truths,
        {"a": [truth]},
        benchmark=benchmark,
        tracker=tracker,
        source="here",
    )


def test_a_report_stands_beside_the_row_of_its_tracker():
    table = regenerate(6, [_report("mATOM", "lasot", "lasot")])
    row = table.loc["mATOM"]
    assert row["success_auc"] == 46.1
    assert row["success_auc, recomputed"] == pytest.approx(100 * 20 / 21)
    assert row["norm_precision, recomputed"] == row["precision, recomputed"] == 100
    assert row["note"] == "from here, 1 of 2 sequences"
    assert table.drop("mATOM")["success_auc, recomputed"].isna().all()
    assert table.loc["ATOM", "note"] == "needs a run on LaSOT's 280 test videos"
    assert table.loc["ECO", "note"].startswith("needs its authors' boxes")


@pytest.mark.parametrize(("protocol", "benchmark"), [("otb", "lasot"), ("lasot", "otb")])
def test_another_protocol_or_benchmark_is_no_answer(protocol, benchmark):
    table = regenerate(6, [_report("mATOM", protocol, benchmark)])
    assert table.filter(like="recomputed").isna().all(axis=None)


def test_trackingnet_is_scored_by_its_server():
    table = regenerate(7, [_report("mATOM", "trackingnet", "trackingnet")])
    assert table.loc["mATOM", "precision, recomputed"] == 100
    assert "server" in table.loc["ATOM", "note"]
    assert "server" in table.loc["ECO", "note"]


def test_rows_of_two_years_are_told_apart():
    table = regenerate(8, [])
    assert len(table) == 18
    assert table.loc["mATOM 2018", "eao"] == 0.358
    assert table.loc["mATOM 2019", "eao"] == 0.283
    assert "VOT2019" in table.loc["mATOM 2019", "note"]


def test_markdown_has_the_printed_decimals():
    lines = as_markdown(7, regenerate(7, [])).splitlines()
    assert lines[0].startswith("| tracker | success_auc | success_auc, recomputed |")
    assert lines[2].startswith("| ATOM | 70.3 | – | 77.1 | – | 64.8 | – | needs a run")


def test_siamrpn_of_vot2018_is_recomputed_from_its_raw_results(shared, tmp_path):
    # its archive alone: the others take as long each
    (tmp_path / "results").mkdir()
    for name in ("VOT2018.json.gz", "results/VOT2018_DaSiamRPN.zip"):
        (tmp_path / name).symlink_to(shared / "oracles/vot" / name)
    reports = read_vot_entrants(tmp_path, 2018)
    table = regenerate(8, reports)
    row = table.loc["SiamRPN 2018"]
    for score in ("eao", "accuracy", "robustness"):
        assert round(row[f"{score}, recomputed"], 3) == row[score]
    assert row["note"] == "from VOT2018_DaSiamRPN.zip"
    assert "| SiamRPN 2018 | 0.383 | 0.383 | 0.586 | 0.586 | 0.276 | 0.276 |" in as_markdown(
        8, table
    )
    other = replace(reports[0], tracker="SiamMargin")
    assert regenerate(8, [other]).filter(like="recomputed").isna().all(axis=None)
    with pytest.raises(InputError, match="no VOT2019"):
        read_vot_entrants(tmp_path, 2019)
