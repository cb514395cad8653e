"""The plots show every tracker's curve and name it beside."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.report import Report, SequenceScore
from cfkd_core.figures.evaluation import precision_plot, success_plot


def _report(name: str, shift: float) -> Report:
    otb = PROTOCOLS["otb"]
    truth = np.tile([50.0, 50, 20, 20], (10, 1))
    curves = otb.curves(truth + shift * np.arange(10)[:, None], truth, np.ones(10, bool))
    stored = {key: tuple(values.tolist()) for key, values in curves.items()}
    grids = {key: tuple(grid.tolist()) for key, grid in otb.thresholds.items()}
    scores = otb.scores(curves)
    sequence = SequenceScore("a", 10, (), stored, scores, None)
    return Report("otb", "toy", name, "", {}, grids, scores, (sequence,))


@pytest.mark.parametrize(
    ("plot", "score"), [(success_plot, "success_auc"), (precision_plot, "precision_at_20")]
)
def test_each_tracker_has_a_curve_and_a_label_of_its_own(plot, score):
    reports = [_report(name, shift) for name, shift in (("one", 0.1), ("two", 0.1), ("far", 9.0))]
    axes = Figure().subplots()
    plot(axes, reports)
    labels = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert set(labels) == {f"{each.tracker} {each.scores[score]:.3f}" for each in reports}
    heights = sorted(labels.values())
    assert min(np.diff(heights)) > 0.08, "labels of equal curves must not cover each other"
    assert heights[-1] <= 1
    grid = reports[0].thresholds[plot.__name__.removesuffix("_plot")]
    curves = [line for line in axes.lines if len(line.get_xdata()) == len(grid)]
    assert len({line.get_linestyle() for line in curves}) == len(reports)
