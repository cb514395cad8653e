"""Overlap: what one looks like, how it goes through a film, and what a threshold makes of it."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cfkd_core.benchmarks.report import Report
from cfkd_core.figures.evaluation import success_plot
from cfkd_core.figures.style import ROLES, WIDTH


def pair(axes: Axes, overlap: float) -> None:
    """Two boxes of one size, one beside the other, that overlap by so much."""
    # of two unit squares a shift d leaves (1 - d) in common and covers (1 + d)
    shift = (1 - overlap) / (1 + overlap)
    for x, role in ((0.0, "ground_truth"), (shift, "prediction")):
        axes.add_patch(
            Rectangle((x, 0), 1, 1, facecolor=(ROLES[role], 0.25), edgecolor=ROLES[role], lw=1.8)
        )
    axes.set(xlim=(-0.1, 2.1), ylim=(-0.1, 1.1), aspect="equal", title=f"IoU {overlap:.2f}")
    axes.set_axis_off()


def through_film(
    rows: Mapping[str, Mapping[str, Float[np.ndarray, "t"]]], limits: Mapping[str, float]
) -> Figure:
    """Values frame by frame, one panel a quantity, one line a tracker.

    Args:
        rows: quantity with its unit -> tracker -> value of each frame.
        limits: quantity -> where a grey line is drawn.
    """
    figure, panels = pyplot.subplots(
        len(rows), 1, figsize=(WIDTH, 1.8 * len(rows)), sharex=True, squeeze=False
    )
    for axes, (quantity, lines) in zip(panels[:, 0], rows.items(), strict=True):
        for role, dash, (name, values) in zip(
            ("student", "teacher", "prediction"), ("-", "--", "-."), lines.items(), strict=False
        ):
            axes.plot(values, dash, color=ROLES[role], label=name)
        if quantity in limits:
            axes.axhline(limits[quantity], color="grey", linewidth=0.8, zorder=0)
        axes.set(ylabel=quantity, ylim=(0, None))
    axes.set_xlabel("frame")
    panels[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(lines))
    return figure


def at_threshold(reports: Sequence[Report], threshold: float) -> Figure:
    """A pair of boxes at one threshold, who is above it how often, and where that is on the curves.

    Args:
        threshold: one of the reports' own.
    """
    figure = pyplot.figure(figsize=(WIDTH, 4.6))
    grid = figure.add_gridspec(2, 2, height_ratios=(2, 3), width_ratios=(1, 1.6))
    pair(figure.add_subplot(grid[0, 0]), threshold)
    bars = figure.add_subplot(grid[0, 1])
    curves = figure.add_subplot(grid[1, :])
    success_plot(curves, reports)
    curves.axvline(threshold, color="grey", linewidth=0.8, zorder=0)
    names, shares = [report.tracker for report in reports], []
    for report in reports:
        index = int(np.abs(np.array(report.thresholds["success"]) - threshold).argmin())
        shares.append(float(report.curve("success")[index]))
    colours = [line.get_color() for line in curves.lines if np.size(line.get_xdata()) > 2]
    bars.barh(names[::-1], [100 * share for share in shares[::-1]], color=colours[::-1])
    bars.set(xlim=(0, 100), xlabel="frames above it, %")
    bars.tick_params(left=False)
    curves.plot([threshold] * len(shares), shares, "o", color="black", markersize=4)
    return figure
