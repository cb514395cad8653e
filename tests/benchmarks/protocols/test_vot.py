"""VOT's rules by hand: what counts, where a run is cut, and how the two toolkits differ."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols.vot import (
    VOT_PROTOCOLS,
    Passes,
    failures_per_100,
    failures_per_sequence,
    legacy_fragments,
    pooled_accuracy,
    pysot_fragments,
    sequence_accuracy,
    toolkit_fragments,
)
from cfkd_core.benchmarks.scoring import make_report, score_passes
from cfkd_core.benchmarks.vot import FAILED, INITIALISED, SKIPPED, TRACKED, parse_run

LEGACY, PYSOT, TOOLKIT = (
    VOT_PROTOCOLS[f"{name}-2018"] for name in ("vot-legacy", "vot-pysot", "vot-toolkit-0.9")
)
NAN = np.nan


def _run(length: int, failures: tuple[int, ...] = (), overlap: float = 0.5) -> Passes:
    """One repetition that fails where it is said, and overlaps evenly elsewhere."""
    codes = np.full(length, TRACKED)
    codes[0] = INITIALISED
    for failure in failures:
        codes[failure] = FAILED
        codes[failure + 1 : failure + 5] = SKIPPED
        codes[failure + 5 : failure + 6] = INITIALISED
    return Passes(np.where(codes == TRACKED, overlap, NAN)[None], codes[None])


def _together(*repetitions: Passes) -> Passes:
    return Passes(
        np.concatenate([each.overlaps for each in repetitions]),
        np.concatenate([each.codes for each in repetitions]),
    )


def test_ten_frames_from_each_initialisation_on_do_not_count():
    found = _run(40, failures=(20,))
    # frames 10 to 19, and 35 to 39
    assert pooled_accuracy(found) == (0.5, 15)
    assert pooled_accuracy(_run(10))[1] == 0
    assert np.isnan(pooled_accuracy(_run(10))[0])


def test_accuracy_pools_frames_or_weighs_sequences_by_length():
    long, short = _run(40, overlap=0.8), _run(20, overlap=0.2)
    scored = {
        protocol.name: make_report(
            protocol,
            [score_passes(protocol, str(i), each, 400) for i, each in enumerate((long, short))],
            benchmark="toy",
            tracker="even",
        ).scores["accuracy"]
        for protocol in (LEGACY, TOOLKIT)
    }
    assert scored[LEGACY.name] == pytest.approx((30 * 0.8 + 10 * 0.2) / 40)
    assert scored[TOOLKIT.name] == pytest.approx((40 * 0.8 + 20 * 0.2) / 60)


def test_accuracy_of_repetitions():
    # the second loses the target at frame 10, so that frames 25 to 29 alone count in it
    found = _together(_run(30, overlap=0.8), _run(30, failures=(10,), overlap=0.2))
    value, frames = pooled_accuracy(found)
    assert frames == 20
    assert value == pytest.approx((15 * 0.8 + 5 * 0.5) / 20)
    assert sequence_accuracy(found) == (pytest.approx(0.5), 30)
    # nothing counts in a run that is too short: 0 for the toolkit
    assert sequence_accuracy(_run(10)) == (0, 10)


def test_robustness_is_failures_per_frame_or_per_sequence():
    found = _together(_run(50, failures=(20,)), _run(50, failures=(20, 30)))
    assert failures_per_100(found) == (pytest.approx(3), 50)
    assert failures_per_sequence(found) == (1.5, 50)
    scores = LEGACY.scores(LEGACY.curves(found, 400)[0])
    assert scores["reliability"] == pytest.approx(np.exp(-30 * 1.5 / 50))


@pytest.mark.parametrize("cut", [legacy_fragments, pysot_fragments, toolkit_fragments])
def test_a_run_is_cut_at_its_restarts(cut):
    found = _run(14, failures=(3,))
    (lost, last), weights = cut(found.overlaps[0], found.codes[0], 16)
    np.testing.assert_array_equal(lost, [0, 0.5, 0.5] + 13 * [0])
    np.testing.assert_array_equal(last, [0] + 5 * [0.5] + 10 * [NAN])
    np.testing.assert_array_equal(weights, [1, 1])


@pytest.mark.parametrize(
    ("failure", "legacy_loses", "pysot_loses"),
    # of 20 frames: after a failure in frame 14 the restart is in the last one, 19
    [(14, True, True), (15, False, True), (16, False, False), (19, False, False)],
)
def test_late_failure_is_a_failure_for_the_toolkit_alone(failure, legacy_loses, pysot_loses):
    found = _run(20, failures=(failure,))
    overlaps, codes = found.overlaps[0, :20], found.codes[0, :20]
    legacy, pysot, toolkit = (
        cut(overlaps, codes, 30)[0][0]
        for cut in (legacy_fragments, pysot_fragments, toolkit_fragments)
    )
    assert (toolkit[failure:] == 0).all()
    assert np.isnan(legacy[20:]).all() != legacy_loses
    assert np.isnan(pysot[20:]).all() != pysot_loses
    # what was lost before the end is lost for all
    np.testing.assert_array_equal(legacy[:20], toolkit[:20])
    np.testing.assert_array_equal(pysot[:20], toolkit[:20])


def test_a_failure_five_frames_before_the_end():
    """The smallest run on which MATLAB's toolkit and PySOT's translation of it part.

    Source: votchallenge/vot-toolkit (6987d85), analysis/estimate_expected_overlap.m, which counts
    from 1 and finds no restart at frame 8 of 7; STVIR/pysot (d04028f), eao_benchmark.py, which
    finds one at index 7 and weighs the fragment by 7 / 8.
    """
    run = parse_run("1\n10,10,9,9\n2\n0\n0\n0\n0", "toy")
    assert run.codes.tolist() == [1, -1, 2, 0, 0, 0, 0]
    overlaps = np.array([NAN, 0.5, NAN, NAN, NAN, NAN, NAN])
    (piece,), weights = legacy_fragments(overlaps, run.codes, 9)
    np.testing.assert_array_equal(piece, [0, 0.5, 0, 0, 0, 0, 0, NAN, NAN])
    assert weights.tolist() == [1]
    (piece, behind), weights = pysot_fragments(overlaps, run.codes, 9)
    np.testing.assert_array_equal(piece, [0, 0.5, 0, 0, 0, 0, 0, 0, 0])
    assert np.isnan(behind).all()
    assert weights.tolist() == [7 / 8, 0]
    # beside a run of nine frames without a failure, at length 9: (1/2), (7/8 x 1/16 + 1/2) / (15/8)
    lost = Passes(overlaps[None], run.codes[None])
    for protocol, expected in ((LEGACY, 0.5), (PYSOT, (7 / 8 * 0.5 / 8 + 0.5) / (15 / 8))):
        scored = [score_passes(protocol, str(i), each, 9) for i, each in enumerate((lost, _run(9)))]
        report = make_report(protocol, scored, benchmark="toy", tracker="late")
        assert report.curve("eao")[8] == pytest.approx(expected, abs=1e-15)


def test_expected_overlap_is_the_mean_from_the_second_frame_on():
    curves, weights = LEGACY.curves(_run(6), 8)
    np.testing.assert_allclose(curves["eao"], [0, 0.5, 0.5, 0.5, 0.5, 0.5, NAN, NAN])
    np.testing.assert_allclose(weights["eao"], [1, 1, 1, 1, 1, 1, 0, 0])
    # lost in frame 2: (0.5), (0.5 + 0) / 2, …; the second piece has one frame
    curves, weights = LEGACY.curves(_run(8, failures=(2,)), 8)
    np.testing.assert_allclose(curves["eao"], [0, *(0.5 / np.arange(1, 8))])
    np.testing.assert_allclose(weights["eao"], [2, 1, 1, 1, 1, 1, 1, 1])


def test_repetitions_together_weigh_as_much_as_one_in_the_legacy_rule():
    twice = _together(_run(6), _run(6))
    assert LEGACY.curves(twice, 6)[1]["eao"].tolist() == [1] * 6
    assert TOOLKIT.curves(twice, 6)[1]["eao"].tolist() == [2] * 6


def test_lengths_are_the_challenges_own_and_one_more_in_the_toolkit():
    assert {name: each.lengths for name, each in VOT_PROTOCOLS.items() if name[-4:] > "2017"} == {
        "vot-legacy-2018": (100, 356),
        "vot-legacy-2019": (46, 291),
        "vot-pysot-2018": (100, 356),
        "vot-pysot-2019": (46, 291),
        "vot-toolkit-0.9-2018": (101, 357),
        "vot-toolkit-0.9-2019": (47, 292),
    }
    values = np.arange(1.0, 400)  # each length's value is the length itself
    for protocol in (LEGACY, TOOLKIT):
        curves = {"eao": values, "accuracy": np.zeros(1), "robustness": np.zeros(1)}
        assert protocol.scores(curves)["eao"] == pytest.approx(np.mean(protocol.lengths))


def test_expected_overlap_of_a_short_benchmark_is_unknown():
    assert np.isnan(LEGACY.scores(LEGACY.curves(_run(30), 30)[0])["eao"])
    assert np.isnan(LEGACY.scores(LEGACY.curves(_run(300), 400)[0])["eao"])


def test_passes_hold_regions_against_the_annotation():
    truth = np.tile([10.0, 10, 9, 9], (4, 1))
    runs = [parse_run("1\n10,10,9,9\n15,10,9,9\n2", "toy")]
    found = LEGACY.passes(runs, truth, (100, 100))
    np.testing.assert_allclose(found.overlaps, [[NAN, 1, 50 / 150, NAN]])
    assert found.failures == 1
    # the same runs but for the last pixel: accuracy is bound by [w, h], the expected overlap by
    # [w, h] - 1. Source: votchallenge/vot-toolkit (6987d85), analyze_accuracy_robustness.m and
    # estimate_accuracy.m
    found = LEGACY.passes(runs, truth, (24, 100))
    np.testing.assert_allclose(found.overlaps, [[NAN, 1, 50 / 140, NAN]])
    np.testing.assert_allclose(found.accuracy_overlaps, [[NAN, 1, 50 / 150, NAN]])
    # the toolkit's rectangles are a pixel narrower and lower
    found = TOOLKIT.passes(runs, truth, (100, 100))
    np.testing.assert_allclose(found.overlaps, [[NAN, 1, 36 / 126, NAN]])
