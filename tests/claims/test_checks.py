"""Checks say something else where something else is claimed, or something else was run."""

from types import SimpleNamespace

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.report import Report, SequenceScore
from cfkd_core.benchmarks.scoring import make_report
from cfkd_core.claims import recorded
from cfkd_core.claims.claim import CHECKS


@pytest.mark.parametrize(
    ("check", "arguments", "verdict"),
    [
        ("flops", {"backbone": "mobilenet_v2", "printed": "0.25"}, "contradicted"),
        ("network_size", {"network": "matom", "printed": 2.36}, "reproduced"),
        ("times_smaller", {"times": 14.0}, "reproduced"),
        ("bottlenecks", {"printed": 17}, "reproduced"),
        ("head_width", {"share": 0.75}, "contradicted"),
        ("smaller_and_cheaper", {"network": "matom", "than": "atom_s"}, "contradicted"),
        ("loss_weights", {"printed": [100.0, 0.01, 1.0, 0.1]}, "reproduced"),
        ("learning_rates", {"printed": [0.01, 0.001], "every": 15}, "contradicted"),
        ("pairs_seen", {"batches": 1500, "batch": 32, "epochs": 50}, "contradicted"),
        ("restart_after", {"frames": 4}, "contradicted"),
        ("slow_trackers_lose_frames", {"fps_teacher": 30.0, "fps_student": 20.0}, "contradicted"),
        ("ranked", {"number": 6, "column": "precision"}, "contradicted"),
        ("best_everywhere", {"number": 4, "index": "dataset", "best": "liu"}, "contradicted"),
    ],
)
def test_another_claim_gets_another_verdict(check, arguments, verdict):
    finding = CHECKS[check](**arguments)
    assert finding.verdict == verdict, finding.evidence


def test_a_rival_above_both_students_is_named():
    arguments = {"number": 7, "column": "success_auc", "students": ["mATOM", "mDRNet"]}
    found = CHECKS["outperform"](**arguments, passed_over=["ATOM", "DRNet"])
    assert (found.verdict, "SiamFC 67.1" in found.evidence) == ("contradicted", True)
    found = CHECKS["outperform"](**arguments, passed_over=["ATOM", "DRNet", "SiamFC"])
    assert found.verdict == "reproduced"


def _report(aucs: list[float], tracker: str) -> Report:
    protocol = PROTOCOLS["otb"]
    sequences = []
    for number, auc in enumerate(aucs):
        curves = {key: (auc,) * len(grid) for key, grid in protocol.thresholds.items()}
        scores = protocol.scores({key: np.array(value) for key, value in curves.items()})
        sequences.append(SequenceScore(str(number), 10, (), curves, scores, 20.0))
    return make_report(protocol, sequences, benchmark="otb", tracker=tracker)


@pytest.mark.parametrize(
    ("student", "verdict"),
    [
        ([0.49, 0.58, 0.69, 0.4], "reproduced"),
        ([0.39, 0.48, 0.59, 0.3], "contradicted"),
        ([0.65, 0.30, 0.80, 0.4], "undecidable"),
    ],
)
def test_a_loss_is_judged_by_its_whole_interval(monkeypatch, student, verdict):
    reports = {"s": _report(student, "s"), "t": _report([0.5, 0.6, 0.7, 0.4], "t")}
    monkeypatch.setattr(recorded, "_pooled", reports.get)
    assert recorded.loses_at_most("s", "t", 6.0).verdict == verdict
    assert recorded.loses_at_most("s", "nobody", 6.0).verdict == "undecidable"


@pytest.mark.parametrize(
    ("worse", "verdict"), [("t", "reproduced"), ("same", "undecidable"), ("u", "contradicted")]
)
def test_an_ordering_is_judged_by_its_whole_interval(monkeypatch, worse, verdict):
    reports = {
        "s": _report([0.5, 0.6, 0.7], "s"),
        "t": _report([0.3, 0.5, 0.6], "t"),
        "same": _report([0.6, 0.5, 0.7], "same"),
        "u": _report([0.6, 0.7, 0.9], "u"),
    }
    monkeypatch.setattr(recorded, "_pooled", reports.get)
    assert recorded.ordering("s", worse).verdict == verdict


@pytest.mark.parametrize(
    ("lower", "verdict"), [(18, "reproduced"), (9, "undecidable"), (0, "contradicted")]
)
def test_rivals_are_judged_by_the_signs(monkeypatch, lower, verdict):
    """Of 18 frames, by a sign test."""
    heights = {"matom": np.full(18, 0.5), "atom": np.array([0.6] * lower + [0.4] * (18 - lower))}
    found = iter(heights.values())
    net = SimpleNamespace(net=SimpleNamespace(backbone=None))
    monkeypatch.setattr(recorded, "load_tracker", lambda _: net)
    monkeypatch.setattr(recorded.look_alikes, "rivals", lambda *_: next(found))
    assert recorded.fewer_rivals("matom", "atom", 12).verdict == verdict
    assert recorded.fewer_rivals("matom", "nobody", 12).verdict == "undecidable"
