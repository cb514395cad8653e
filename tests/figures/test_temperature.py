"""Distributions and what is learnt from them keep their numbers."""

import numpy as np
from matplotlib.figure import Figure

from cfkd_core.figures import temperature


def test_exponentials_of_hot_temperatures_lie_higher():
    figure = temperature.exponentials([1.0, 10.0, 100.0], (-100.0, -80.0))
    ends = [line.get_ydata()[0] for line in figure.axes[0].lines]
    assert ends == sorted(ends)
    assert ends[0] < 1e-40


def test_targets_and_results_keep_their_numbers():
    axes = Figure().subplots()
    temperature.targets(axes, np.array([0.2, 0.8]), ["a", "b"])
    assert [bar.get_height() for bar in axes.patches] == [0.2, 0.8]
    axes = Figure().subplots()
    runs = {"students": np.array([[40.0, 60], [70, 90]])}
    temperature.learnt(axes, [1.0, 4.0], runs, chosen=4.0)
    assert axes.lines[0].get_ydata().tolist() == [50, 80]
    axes = Figure().subplots()
    temperature.judged(axes, np.array([-1.0, 1]), {"teacher": np.array([0.0, 0.5])})
    assert axes.lines[-1].get_ydata().tolist() == [0.0, 0.5]
