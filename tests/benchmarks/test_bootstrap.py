"""Intervals: by hand where the draws are known, against a slow reference, and by their coverage."""

from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks.bootstrap import compare, confidence
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.report import Report, SequenceScore
from cfkd_core.benchmarks.scoring import make_report
from cfkd_core.errors import InputError


def _report(aucs, tracker: str = "one", protocol: str = "otb", weights=None) -> Report:
    """Sequences whose success curves are flat at the value given, and precision twice that."""
    grids = PROTOCOLS[protocol].thresholds
    weights = np.ones(len(aucs)) if weights is None else weights
    sequences = []
    for i, (auc, weight) in enumerate(zip(aucs, weights, strict=True)):
        curves = {name: (float(auc),) * len(grid) for name, grid in grids.items()}
        scores = PROTOCOLS[protocol].scores({k: np.array(v) for k, v in curves.items()})
        weighed = dict.fromkeys(curves, (float(weight),))
        sequences.append(SequenceScore(str(i), 10, (), curves, scores, None, weighed))
    return make_report(PROTOCOLS[protocol], sequences, benchmark="toy", tracker=tracker)


def test_equal_sequences_leave_no_doubt():
    found = confidence(_report([0.5] * 4))
    assert found.loc["success_auc"].tolist() == pytest.approx([0.5] * 3)


def test_interval_is_the_slow_one():
    generator = np.random.default_rng(3)
    values, weights = generator.uniform(0, 1, 12), generator.integers(1, 9, 12).astype(float)
    found = confidence(_report(values, weights=weights), level=0.8, resamples=4000, seed=1)
    drawn = generator.integers(0, 12, (4000, 12))
    means = [np.average(values[each], weights=weights[each]) for each in drawn]
    assert found.loc["success_auc", "value"] == pytest.approx(np.average(values, weights=weights))
    expected = np.quantile(means, [0.1, 0.9])
    np.testing.assert_allclose(found.loc["success_auc", ["low", "high"]], expected, atol=0.01)


def test_the_seed_decides():
    report = _report(np.linspace(0, 1, 9))
    assert confidence(report, seed=5).equals(confidence(report, seed=5))
    assert not confidence(report, seed=5).equals(confidence(report, seed=6))


def test_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        found = confidence(_report(generator.uniform(0, 1, 40)), resamples=300)
        hits += found.loc["success_auc", "low"] < 0.5 < found.loc["success_auc", "high"]
    assert 51 <= hits <= 60  # 57 are expected


def test_sequences_that_are_hard_for_both_do_not_blur_a_difference():
    hard_and_easy = np.linspace(0, 0.9, 20)
    first, second = _report(hard_and_easy + 0.02), _report(hard_and_easy, "two")
    found = compare(first, second).loc["success_auc"]
    assert found.tolist() == pytest.approx([0.02, 0.02, 0.02, 1])
    alone = confidence(first).loc["success_auc"]
    assert alone["high"] - alone["low"] > 0.1


def test_a_tracker_equals_itself():
    found = compare(_report([0.1, 0.6]), _report([0.1, 0.6], "two"))
    assert found.loc["success_auc"].tolist() == [0, 0, 0, 0.5]


def test_only_common_sequences_count():
    first, second = _report([0.5, 0.5, 0.9]), _report([0.4, 0.4, 0.1], "two")
    second = replace(second, sequences=second.sequences[:2])
    assert compare(first, second).loc["success_auc", "difference"] == pytest.approx(0.1)


def test_reports_of_different_kinds_are_not_compared():
    with pytest.raises(InputError, match="score both alike"):
        compare(_report([0.5]), _report([0.5], protocol="uav123"))
    other = _report([0.5])
    named = replace(other.sequences[0], name="elsewhere")
    with pytest.raises(InputError, match="no sequence in common"):
        compare(other, replace(other, sequences=(named,)))


def test_a_single_sequence_has_a_difference_but_no_interval():
    found = compare(_report([0.6]), _report([0.5], "two")).loc["success_auc"]
    assert found["difference"] == pytest.approx(0.1)
    assert np.isnan(found[["low", "high", "above"]].to_numpy(dtype=float)).all()
    alone = confidence(_report([0.6])).loc["success_auc"]
    assert alone["value"] == pytest.approx(0.6)
    assert np.isnan(alone[["low", "high"]].to_numpy(dtype=float)).all()
