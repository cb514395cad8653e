"""What the referee wrote is what is drawn."""

import numpy as np
from matplotlib.figure import Figure

from cfkd_core.benchmarks.vot import FAILED, INITIALISED, SKIPPED, TRACKED
from cfkd_core.figures import referee


def test_a_record_marks_starts_and_failures():
    codes = np.array([INITIALISED, TRACKED, FAILED, SKIPPED, INITIALISED])
    overlaps = np.array([np.nan, 0.5, np.nan, np.nan, np.nan])
    axes = Figure().subplots()
    referee.record(axes, overlaps, codes, overlaps)
    marks = {line.get_label(): line.get_xdata().tolist() for line in axes.lines}
    assert marks["start"] == [0, 4]
    assert marks["failure"] == [2]
    assert len(axes.patches) == 1, "one skipped frame"


def test_fragments_leave_unknown_cells_blank():
    pieces = np.array([[0.0, 0.5, 0, 0], [0, 0.5, np.nan, np.nan]])
    figure = referee.fragments(pieces, np.array([np.nan, 0.5, 0.25, 0.2]))
    shown = figure.axes[0].images[0].get_array()
    assert shown.mask.tolist() == np.isnan(pieces).tolist()


def test_the_clock_shows_images_that_were_seen_and_the_chosen_latency():
    axes = Figure().subplots()
    referee.clock(axes, np.array([0, 1, 3]), np.array([0, 1, 1, 3]))
    assert axes.lines[-1].get_xdata().tolist() == [0, 1, 3]
    axes = Figure().subplots()
    referee.by_latency(axes, [50.0, 100.0], {"legacy": [0.5, 0.25]}, chosen=("legacy", 100.0))
    assert axes.lines[-1].get_ydata() == [0.25]
