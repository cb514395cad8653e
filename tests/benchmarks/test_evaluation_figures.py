"""The plots show every tracker's numbers and name it beside."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS
from cfkd_core.benchmarks.report import Report
from cfkd_core.benchmarks.scoring import Annotation, score_one_pass, score_restarts
from cfkd_core.benchmarks.vot import VotAnnotation, parse_run
from cfkd_core.figures.evaluation import (
    ar_plot,
    attribute_radar,
    eao_plot,
    norm_precision_plot,
    precision_plot,
    ranking_plot,
    speed_plot,
    success_plot,
)

VOT = VOT_PROTOCOLS["vot-legacy-2018"]


def _report(name: str, shift: float, protocol: str = "lasot") -> Report:
    """One sequence in which the tracker falls behind by `shift` px a frame."""
    truth = np.tile([50.0, 50, 20, 20], (10, 1))
    truths = [Annotation(code, truth, np.ones(10, bool), frozenset({code})) for code in "ABC"]
    boxes = truth + shift * np.arange(10)[:, None]
    results = {code: [boxes + i] for i, code in enumerate("ABC")}
    return score_one_pass(PROTOCOLS[protocol], truths, results, benchmark="toy", tracker=name)


def _with_restarts(name: str, width: int, failures: int) -> Report:
    text = "1\n" + f"10,10,{width},19\n" * (389 - 10 * failures)
    text += "2\n0\n0\n0\n0\n1\n1,1,9,9\n1,1,9,9\n1,1,9,9\n1,1,9,9\n" * failures + "10,10,9,9\n" * 10
    truth = VotAnnotation("a", np.tile([10.0, 10, 19, 19], (400, 1)), (100, 100), {})
    return score_restarts(
        VOT, [truth], {"a": [parse_run(text, name)]}, benchmark="toy", tracker=name
    )


def _curves(axes: Axes) -> list[Line2D]:
    """Lines that show values, not the pieces beside the names, nor a mark at a threshold."""
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


@pytest.fixture
def reports():
    return [_report(name, shift) for name, shift in (("one", 0.1), ("two", 0.1), ("far", 9.0))]


@pytest.fixture
def entrants():
    return [_with_restarts("poor", 9, 2), _with_restarts("good", 19, 1)]


@pytest.mark.parametrize(
    ("plot", "score"),
    [
        (success_plot, "success_auc"),
        (precision_plot, "precision_at_20"),
        (norm_precision_plot, "norm_precision_at_20"),
    ],
)
def test_each_tracker_has_a_curve_and_a_label_of_its_own(plot, score, reports):
    axes = Figure().subplots()
    plot(axes, reports)
    labels = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert set(labels) == {f"{each.tracker} {each.scores[score]:.3f}" for each in reports}
    heights = sorted(labels.values())
    assert min(np.diff(heights)) > 0.08, "labels of equal curves must not cover each other"
    assert heights[-1] <= 1
    assert min(labels, key=labels.get).startswith("far"), "labels stand in the scores' order"
    name = plot.__name__.removesuffix("_plot")
    curves = _curves(axes)
    for line, report in zip(curves, reports, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), report.curve(name))
    assert len({line.get_linestyle() for line in curves}) == len(reports)


def test_eleven_trackers_are_told_apart_without_colour():
    axes = Figure().subplots()
    success_plot(axes, [_report(str(i), i / 9) for i in range(11)])
    looks = {(repr(line._dash_pattern), line.get_marker()) for line in axes.lines}
    assert len(looks) == 11


def test_protocols_name_their_own_scores():
    for protocol, score in (("trackingnet", "precision_auc"), ("otb", "precision_at_20")):
        axes = Figure().subplots()
        report = _report("a", 2.0, protocol)
        precision_plot(axes, [report])
        assert axes.texts[0].get_text() == f"a {report.scores[score]:.3f}"
        # the line at 20 px is drawn where the score is read there
        marked = [line for line in axes.lines if list(line.get_xdata()) == [20, 20]]
        assert len(marked) == (protocol == "otb")
    axes = Figure().subplots()
    success_plot(axes, [_report("a", 2.0, "got10k")])
    assert axes.texts[0].get_text().startswith("a 0.")


def test_eao_plot_has_the_band_that_the_score_averages(entrants):
    axes = Figure().subplots()
    eao_plot(axes, entrants, VOT.lengths)
    (band,) = axes.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == VOT.lengths
    for line, report in zip(_curves(axes), entrants, strict=True):
        x, y = line.get_data()
        assert x[0] == 2
        inside = (VOT.lengths[0] <= x) & (x <= VOT.lengths[1])
        assert y[inside].mean() == pytest.approx(report.scores["eao"])


def test_ranking_has_the_best_on_top_and_whiskers_where_given(entrants):
    axes = Figure().subplots()
    ranking_plot(axes, entrants, "eao", {"good": (0.1, 0.9)})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["poor", "good"]
    whiskers = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert [list(line.get_xdata()) for line in whiskers] == [[0.1, 0.9]]
    assert whiskers[0].get_ydata()[0] == 1


def test_ar_plot_names_each_point(entrants):
    axes = Figure(dpi=100).subplots()
    ar_plot(axes, entrants)
    points = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines}
    assert points == {(each.scores["reliability"], each.scores["accuracy"]) for each in entrants}
    assert {text.get_text() for text in axes.texts} == {"poor", "good"}


def test_names_of_close_points_do_not_cover_each_other():
    fast = [replace(_report(f"tracker{i}", 0.1), tracker=f"tracker{i}") for i in range(5)]
    speeds = (20.0, 21.0, 22.0, 60.0, 61.0)
    timed = [
        replace(each, sequences=tuple(replace(part, fps=fps) for part in each.sequences))
        for each, fps in zip(fast, speeds, strict=True)
    ]
    axes = Figure(dpi=100).subplots()
    speed_plot(axes, [*timed, _report("untimed", 1.0)], "success_auc")
    assert len(axes.texts) == 5
    boxes = [text.get_window_extent() for text in axes.texts]
    covering = [(i, j) for i in range(5) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert not covering
    assert any(list(line.get_xdata()) == [20, 20] for line in axes.lines)


def test_radar_has_a_spoke_an_attribute(reports):
    axes = Figure().subplots(subplot_kw={"projection": "polar"})
    attribute_radar(axes, reports, "success_auc")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A\n1", "B\n1", "C\n1"]
    for line, report in zip(_curves(axes), reports, strict=True):
        values = report.by_attribute()["success_auc"].tolist()
        assert line.get_ydata() == pytest.approx([*values, values[0]])
