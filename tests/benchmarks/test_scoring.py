"""From answers to reports, whoever gave them."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS
from cfkd_core.benchmarks.scoring import (
    Annotation,
    make_report,
    score_one_pass,
    score_restarts,
    score_sequence,
)
from cfkd_core.benchmarks.vot import VotAnnotation, parse_run
from cfkd_core.errors import InputError

OTB = PROTOCOLS["otb"]
TRUTH = np.tile([10.0, 10, 20, 20], (4, 1))


def _annotation(name: str, **more) -> Annotation:
    return Annotation(name, TRUTH, np.ones(4, bool), **more)


def test_names_match_whatever_their_case_and_what_is_missing_is_named():
    truths = [_annotation("Jogging.1"), _annotation("FaceOcc1"), _annotation("Dog")]
    results = {"jogging_1": [TRUTH], "faceocc1": [TRUTH], "cat": [TRUTH]}
    report = score_one_pass(OTB, truths, results, benchmark="otb", tracker="oracle", source="here")
    assert [each.name for each in report.sequences] == ["Jogging.1", "FaceOcc1"]
    assert report.missing == ("Dog",)
    assert report.source == "here"
    assert report.scores == pytest.approx({"success_auc": 20 / 21, "precision_at_20": 1})


def test_two_results_of_one_sequence_are_refused():
    results = {"Jogging-1": [TRUTH], "Jogging_1": [TRUTH]}
    with pytest.raises(InputError, match="Jogging-1 and Jogging_1 are results of the same"):
        score_one_pass(OTB, [_annotation("Jogging.1")], results, benchmark="otb", tracker="two")


def test_protocols_compute_with_the_published_numbers():
    """Truth and box are 57.9,11,7.3,10 counted from 1: their overlap is 1 + 2e-16 there alone.

    Source: calcRectInt.m of tracker_benchmark v1.1, which does not limit it; STVIR/pysot and
    got10k 0.1.3 do.
    """
    published = np.array([[57.9, 11, 7.3, 10]] * 2)
    truth = Annotation("a", published - [1, 1, 0, 0], np.ones(2, bool), origin=1)
    scores = {
        name: score_sequence(PROTOCOLS[name], truth, truth.boxes).scores["success_auc"]
        for name in ("otb", "pytracking", "pysot", "pysot-lasot", "got10k-toolkit")
    }
    clipped = pytest.approx(20 / 21)
    assert scores["pysot"] == scores["pysot-lasot"] == scores["got10k-toolkit"] == clipped
    assert scores["otb"] == scores["pytracking"] == 1


def test_published_boxes_are_counted_from_the_benchmarks_first_pixel():
    published = TRUTH + np.array([1, 1, 0, 0])
    report = score_one_pass(
        OTB, [_annotation("a", origin=1)], {"a": [published]}, benchmark="toy", tracker="oracle"
    )
    assert report.scores["success_auc"] == pytest.approx(20 / 21)
    assert report.sequences[0].curves["precision"][0] == 1


def test_repetitions_are_averaged():
    lost = TRUTH + 900
    report = score_one_pass(
        OTB, [_annotation("a")], {"a": [TRUTH, lost]}, benchmark="toy", tracker="half"
    )
    # the first frame of the lost one counts as the ground truth
    assert report.scores["precision_at_20"] == pytest.approx((1 + 1 / 4) / 2)
    assert report.sequences[0].scores == pytest.approx(report.scores)


def test_results_of_another_length_are_refused():
    with pytest.raises(InputError, match="sequence a: 3 boxes for 4 frames"):
        score_sequence(OTB, _annotation("a"), TRUTH[:3])


def test_nothing_to_score_is_an_error():
    with pytest.raises(InputError, match="no sequence to score"):
        make_report(OTB, [], benchmark="toy", tracker="none")


def test_attributes_are_scored_like_the_whole():
    truths = [
        _annotation("a", attributes=frozenset({"OCC"})),
        _annotation("b", attributes=frozenset({"OCC", "SV"})),
    ]
    results = {"a": [TRUTH], "b": [TRUTH + 900]}
    found = score_one_pass(OTB, truths, results, benchmark="toy", tracker="half").by_attribute()
    assert found.loc["OCC"].to_dict() == pytest.approx(
        {"success_auc": 20 / 21 * 5 / 8, "precision_at_20": 5 / 8, "sequences": 2}
    )
    assert found.loc["SV", "precision_at_20"] == 1 / 4


def _vot(name: str, length: int, tag: str | None = None) -> VotAnnotation:
    tags = {} if tag is None else {tag: np.arange(length) == 1}
    return VotAnnotation(name, np.tile([10.0, 10, 19, 19], (length, 1)), (100, 100), tags)


def test_runs_with_restarts():
    truths = [_vot("a", 400, "occlusion"), _vot("b", 400), _vot("c", 500)]
    good = parse_run("1\n" + "10,10,19,19\n" * 399, "good")
    bad = parse_run("1\n2\n0\n0\n0\n0\n1\n" + "10,10,19,9\n" * 393, "bad")
    report = score_restarts(
        VOT_PROTOCOLS["vot-legacy-2018"],
        truths,
        {"a": [good], "b": [bad]},
        benchmark="vot2018",
        tracker="toy",
    )
    assert report.missing == ("c",)
    assert len(report.curve("eao")) == len(report.thresholds["eao"]) == 500
    assert report.scores["robustness"] == pytest.approx(100 / 800)
    assert report.scores["accuracy"] == pytest.approx((390 + 384 / 2) / (390 + 384))
    # by length n: 1 and 0, and, as far as it goes, 1/2
    assert report.scores["eao"] == pytest.approx(0.5)
    occluded = report.by_attribute().loc["occlusion"]
    assert (occluded["accuracy"], occluded["robustness"], occluded["sequences"]) == (1, 0, 1)


def test_run_of_another_length_is_refused():
    with pytest.raises(InputError, match="a run of 2 frames, of 4"):
        score_restarts(
            VOT_PROTOCOLS["vot-legacy-2018"],
            [_vot("a", 4)],
            {"a": [parse_run("1\n2", "short")]},
            benchmark="vot2018",
            tracker="toy",
        )


def test_boxes_are_cut_to_the_image_where_the_protocol_cuts_them():
    truth = Annotation("toy", np.tile([90.0, 10, 10, 10], (2, 1)), np.ones(2, bool))
    predicted = np.tile([90.0, 10, 20, 10], (2, 1))  # half of it beyond the right border
    scored = {
        (name, size): score_sequence(PROTOCOLS[name], truth, predicted, size=size)
        for name in ("got10k", "otb")
        for size in (None, (100, 50))
    }
    overlap = {key: each.curves.get("overlap", (0,))[0] for key, each in scored.items()}
    assert overlap["got10k", None] == 0.5
    assert overlap["got10k", (100, 50)] == 1
    assert scored["otb", None].scores == scored["otb", (100, 50)].scores
