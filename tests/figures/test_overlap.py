"""Overlaps as pictures keep their numbers."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.benchmarks.scoring import Annotation, score_one_pass
from cfkd_core.figures import overlap


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_pair_of_boxes_overlaps_by_what_it_says(share):
    axes = Figure().subplots()
    overlap.pair(axes, share)
    first, second = (box.get_x() for box in axes.patches)
    common = max(0.0, 1 - (second - first))
    assert common / (2 - common) == pytest.approx(share)


def test_at_a_threshold_each_tracker_has_a_bar_of_its_share():
    truth = np.tile([0.0, 0, 10, 10], (4, 1))
    film = Annotation("film", truth, np.ones(4, bool))
    found = truth + np.array([[0], [0], [3], [20]]) * [1, 0, 0, 0]
    report = score_one_pass(
        PROTOCOLS["otb"], [film], {"film": [found]}, benchmark="toy", tracker="one"
    )
    figure = overlap.at_threshold([report], 0.5)
    (bar,) = figure.axes[1].patches
    assert bar.get_width() == pytest.approx(75)  # 1, 1, 7/13 are above a half


def test_a_film_has_a_panel_for_each_quantity_and_a_line_for_each_tracker():
    rows = {"overlap": {"a": np.ones(3), "b": np.zeros(3)}, "error": {"a": np.ones(3)}}
    figure = overlap.through_film(rows, {"overlap": 0.5})
    assert [len(axes.lines) for axes in figure.axes] == [3, 1]
