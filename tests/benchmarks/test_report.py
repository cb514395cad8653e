"""Reports keep what was found, on disk and in tables."""

from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks.report import (
    Report,
    SequenceScore,
    load_json,
    markdown,
    mean_curve,
    save_json,
    table,
)
from cfkd_core.errors import InputError


def _score(name: str, success: tuple[float, ...], codes: tuple[str, ...], fps) -> SequenceScore:
    scores = {"success_auc": float(np.mean(success))}
    return SequenceScore(name, 11, codes, {"success": success}, scores, fps)


@pytest.fixture
def found():
    sequences = (
        _score("a", (1.0, 0.5), ("OCC", "SV"), 10.0),
        _score("b", (0.5, 0.0), ("SV",), 40.0),
    )
    return Report(
        protocol="otb",
        benchmark="toy",
        tracker="ours",
        source="results/toy/ours",
        card={"seed": 0},
        thresholds={"success": (0.0, 0.5)},
        scores={"success_auc": 0.5},
        sequences=sequences,
        missing=("c",),
    )


def test_json_gives_back_an_equal_report(tmp_path, found):
    save_json([found], tmp_path / "report.json")
    assert load_json(tmp_path / "report.json") == [found]


@pytest.mark.parametrize("text", ["{", "3", '{"a": 1}', '[{"protocol": "otb"}]', '["x"]'])
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match=r"report\.json: not a .*; score the results again"):
        load_json(tmp_path / "report.json")


def test_missing_report_is_named(tmp_path):
    with pytest.raises(InputError, match="no such report"):
        load_json(tmp_path / "report.json")


def test_mean_curve_is_over_sequences(found):
    np.testing.assert_allclose(found.curve("success"), [0.75, 0.25])


def test_mean_curve_counts_each_value_by_its_weight(found):
    first, second = found.sequences
    nan = float("nan")
    weighed = (
        replace(first, weights={"success": (3.0,)}),
        replace(second, curves={"success": (0.5, nan)}, weights={"success": (1.0, 0.0)}),
    )
    np.testing.assert_allclose(mean_curve(weighed, "success"), [(3 + 0.5) / 4, 0.5])
    nothing = [replace(each, weights={"success": (0.0,)}) for each in weighed]
    assert np.isnan(mean_curve(nothing, "success")).all()


def test_what_is_undefined_survives_json_and_tables(tmp_path, found):
    nan = float("nan")
    sequence = replace(
        found.sequences[0], curves={"success": (1.0, nan)}, weights={"success": (1.0, 0.0)}
    )
    report = replace(found, scores={"success_auc": nan}, sequences=(sequence,))
    save_json([report], tmp_path / "report.json")
    assert "NaN" not in (tmp_path / "report.json").read_text()
    (again,) = load_json(tmp_path / "report.json")
    assert np.isnan(again.scores["success_auc"])
    np.testing.assert_array_equal(again.curve("success"), [1, nan])
    assert again.sequences[0].weights == sequence.weights
    assert "| – |" in markdown(table([again]))


def test_fps_is_updates_over_seconds(found):
    # 10 updates at 10 and 10 at 40 frames a second take 1.25 s
    assert found.fps == pytest.approx(20 / 1.25)


def test_tables(found):
    assert found.by_attribute().loc["SV"].to_dict() == {"success_auc": 0.5, "sequences": 2}
    assert found.by_attribute().loc["OCC", "success_auc"] == 0.75
    assert found.by_sequence().loc["b", "fps"] == 40
    assert markdown(table([found])) == (
        "| tracker | success_auc | fps | sequences |\n"
        "|---|---:|---:|---:|\n"
        "| ours | 0.500 | 16.0 | 2 of 3 |\n"
    )


def test_unknown_speed_is_a_dash(tmp_path, found):
    sequences = (found.sequences[0], _score("b", (0.5, 0.0), (), None))
    silent = Report(**{**vars(found), "sequences": sequences})
    assert silent.fps is None
    assert "| – |" in markdown(table([silent]))
    save_json([silent], tmp_path / "report.json")
    assert load_json(tmp_path / "report.json") == [silent]
