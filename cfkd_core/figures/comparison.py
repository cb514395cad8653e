"""What was claimed beside what was measured: orderings with their doubt, and scores by sequence."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from cfkd_core.benchmarks.records import Ordering
from cfkd_core.figures.style import ROLES, WIDTH

_LOOKS = {
    "held": "ground_truth",
    "contradicted": "student",
    "undecided": "ours",
    "not run": "thesis",
}


def ordering_plot(
    found: Sequence[tuple[Ordering, float]], labels: Mapping[str, str], unit: str
) -> Figure:
    """How much better the first of each pair scores: a whisker for ours, a diamond for the thesis.

    Args:
        found: orderings, and the difference that the thesis prints, in per cent.
        labels: tracker -> its name in the figure.
        unit: what the horizontal axis counts.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.75 + 0.52 * len(found)))
    for height, (each, printed) in zip(range(len(found), 0, -1), found, strict=True):
        # a piece of the zero line for each row: a whole one would cross the labels
        axes.plot([0, 0], [height - 0.36, height + 0.18], color="grey", linewidth=0.8, zorder=0)
        words = f"{labels[each.first]} over {labels[each.second]}"
        _ordering(axes, height, each, printed, f"{words}: {each.outcome}")
    axes.plot([], [], "D", color=ROLES["thesis"], fillstyle="none", label="thesis")
    axes.plot([], [], "o-", color="black", label="ours, with its 95 % interval")
    figure.legend(loc="outside lower right", ncols=2)
    axes.set(xlabel=unit, ylim=(0.5, len(found) + 0.75), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)
    return figure


def _ordering(axes: Axes, height: int, each: Ordering, printed: float, words: str) -> None:
    colour = ROLES[_LOOKS[each.outcome]]
    if each.outcome != "not run":
        axes.plot([100 * each.low, 100 * each.high], [height] * 2, color=colour)
        axes.plot(100 * each.difference, height, "o", color=colour)
    axes.plot(printed, height, "D", color=ROLES["thesis"], fillstyle="none")
    axes.text(
        *(0.01, height + 0.22, words),
        transform=axes.get_yaxis_transform(),
        color=colour if each.outcome != "not run" else "black",
        va="bottom",
        fontsize=9,
    )


def sequence_grid(scores: pd.DataFrame, unit: str) -> Figure:
    """One cell for each sequence and tracker, with its score written in it.

    Args:
        scores: one row a sequence, one column a tracker; per cent.
        unit: what the colour stands for.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.7 + 0.24 * len(scores)))
    image = axes.imshow(scores, vmin=0, vmax=100, aspect="auto", cmap="viridis")
    for (row, column), value in np.ndenumerate(scores.to_numpy()):
        if np.isfinite(value):
            ink = "#010101" if value > 55 else "#fdfdfd"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=9)
    axes.set_xticks(
        range(scores.shape[1]), scores.columns, rotation=55, ha="left", rotation_mode="anchor"
    )
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(scores)), scores.index)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label=unit, fraction=0.04, pad=0.02)
    return figure


def trade_off(
    axes: Axes,
    families: Mapping[str, Sequence[tuple[float, float, float | None]]],
    across: str,
    up: str,
) -> None:
    """Scores against cost, on a logarithmic axis: hollow as printed, filled as measured.

    Args:
        families: name -> (cost, printed score, measured score or None) of each member.
        across, up: what the axes count.
    """
    looks = zip(("teacher", "student", "prediction"), ("o", "s", "^"), strict=True)
    for (family, points), (role, marker) in zip(families.items(), looks, strict=False):
        cost, printed, _ = zip(*points, strict=True)
        look: dict[str, Any] = {"color": ROLES[role], "marker": marker, "markersize": 7}
        axes.plot(cost, printed, **look, fillstyle="none", linestyle=":", label=f"{family}, thesis")
        ours = [(x, y) for x, _, y in points if y is not None]
        if ours:
            axes.plot(*zip(*ours, strict=True), **look, linestyle="-", label=f"{family}, ours")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel=across, ylabel=up)
    axes.legend()
