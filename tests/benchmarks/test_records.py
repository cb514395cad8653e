"""Recorded runs, pooled, and what is decided by them."""

from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks import records, report
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.report import SequenceScore
from cfkd_core.benchmarks.scoring import make_report


def _report(aucs: dict[str, float], tracker: str = "one"):
    """Flat success curves at the values given; precision is the same."""
    protocol = PROTOCOLS["otb"]
    sequences = []
    for name, auc in aucs.items():
        curves = {key: (float(auc),) * len(grid) for key, grid in protocol.thresholds.items()}
        scores = protocol.scores({key: np.array(value) for key, value in curves.items()})
        sequences.append(SequenceScore(name, 10, (), curves, scores, 20.0))
    return make_report(protocol, sequences, benchmark="otb", tracker=tracker)


@pytest.fixture
def folder(tmp_path):
    for benchmark, seed, aucs in (
        ("otb_dev", 0, {"b": 0.4, "a": 0.2}),
        ("otb_dev", 10, {"b": 0.6, "a": 0.2}),
        ("otb_dev", 2, {"b": 0.8, "a": 0.2}),
        ("uav_dev", 0, {"c": 0.9}),
    ):
        report.save_json([_report(aucs)], tmp_path / benchmark / f"one_seed{seed}.json")
    return tmp_path


def test_runs_come_in_the_order_of_their_seeds(folder):
    found = records.runs("one", folder=folder)
    assert list(found) == [0, 2, 10]
    assert [each.sequences[0].scores["success_auc"] for each in found.values()] == pytest.approx(
        [0.4, 0.8, 0.6]
    )
    assert not records.runs("another", folder=folder)


def test_a_tracker_is_not_taken_for_one_whose_name_begins_alike(folder):
    report.save_json([_report({"a": 0.0})], folder / "otb_dev" / "one_more_seed0.json")
    assert len(records.runs("one", folder=folder)) == 3


def test_pooling_averages_seeds_then_sequences(folder):
    pooled = records.pooled("one", folder=folder)
    by_name = {each.name: each.scores["success_auc"] for each in pooled.sequences}
    assert by_name == pytest.approx({"a": 0.2, "b": 0.6, "c": 0.9})
    assert pooled.scores["success_auc"] == pytest.approx(1.7 / 3)
    assert pooled.repetitions == 3
    # of the means 0.3, 0.5 and 0.4 on the first benchmark
    assert pooled.spread["success_auc"] == pytest.approx(0.1)


def test_some_seeds_may_be_pooled_alone(folder):
    pooled = records.pooled("one", seeds=[0, 10], folder=folder)
    by_name = {each.name: each.scores["success_auc"] for each in pooled.sequences}
    assert by_name == pytest.approx({"a": 0.2, "b": 0.5, "c": 0.9})
    assert pooled.repetitions == 2
    assert records.pooled("one", seeds=[1], folder=folder) is None


def test_one_benchmark_may_be_pooled_alone_and_nothing_is_none(folder):
    assert len(records.pooled("one", ["otb_dev"], folder).sequences) == 2
    assert records.pooled("another", folder=folder) is None


@pytest.mark.parametrize(
    ("gaps", "outcome"),
    [
        ([0.1, 0.2, 0.1, 0.3], "held"),
        ([-0.1, -0.2, -0.1, -0.3], "contradicted"),
        ([0.3, -0.2, 0.1, -0.1], "undecided"),
        ([0.0, 0.0, 0.0, 0.0], "undecided"),
    ],
)
def test_an_ordering_is_decided_by_the_whole_interval(gaps, outcome):
    first = _report({str(i): 0.5 + gap for i, gap in enumerate(gaps)})
    second = _report({str(i): 0.5 for i in range(len(gaps))}, "two")
    found = records.ordering(("one", "two"), (first, second), "success_auc")
    assert found.outcome == outcome
    assert found.difference == pytest.approx(np.mean(gaps))
    assert found.low <= found.difference <= found.high
    assert found.sequences == len(gaps)


def test_an_ordering_counts_only_what_both_have():
    first = _report({"a": 0.5, "b": 0.7})
    second = replace(_report({"b": 0.6, "c": 0.9}), tracker="two")
    found = records.ordering(("one", "two"), (first, second), "success_auc")
    # a single sequence has no interval
    assert (found.sequences, found.outcome) == (1, "undecided")
    assert found.difference == pytest.approx(0.1)


def test_what_was_not_run_is_not_decided():
    found = records.ordering(("one", "two"), (_report({"a": 0.5}), None), "success_auc")
    assert found.outcome == "not run"
    assert np.isnan(found.difference)


def test_shipped_records_are_gathered_without_any_video():
    found = records.gather(["matom", "matom", "nobody"], real=False)
    assert set(found.otb) == {"matom", "nobody"}
    assert found.otb["nobody"] is None
    assert len(found.otb["matom"].sequences) == 11
    assert len(found.whole["matom"].sequences) == 14
