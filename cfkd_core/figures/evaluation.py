"""Success and precision plots from reports."""

from collections.abc import Sequence
from itertools import cycle, pairwise

import numpy as np
from matplotlib.axes import Axes

from cfkd_core.benchmarks.report import Report
from cfkd_core.figures.style import ROLES

# Told apart in grey by their dashes, in colour by both.
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def success_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Share of frames whose overlap exceeds each threshold, one line a tracker.

    The number in a label is the area under the line, its mean over the thresholds.
    """
    _curves(axes, reports, "success", "success_auc", label_at=0.5)
    axes.set(xlabel="overlap threshold", ylabel="share of frames above it")


def precision_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Share of frames whose centre error is at most each threshold, one line a tracker.

    The number in a label is the value at 20 px, which the grey line marks.
    """
    axes.axvline(20, color="grey", linewidth=0.8, zorder=0)
    _curves(axes, reports, "precision", "precision_at_20", label_at=50.0)
    axes.set(xlabel="centre error threshold (px)", ylabel="share of frames within it")


def _curves(axes: Axes, reports: Sequence[Report], curve: str, score: str, label_at: float) -> None:
    """Lines, and to their right a label each, as high as its line is at `label_at`."""
    colours = cycle(ROLES.values())
    heights = [
        np.interp(label_at, report.thresholds[curve], report.curve(curve)) for report in reports
    ]
    beside = axes.get_yaxis_transform()
    looks = zip(reports, _spread(heights), cycle(_DASHES), colours, strict=False)
    for report, height, dash, colour in looks:
        look = {"linestyle": dash, "color": colour}
        axes.plot(report.thresholds[curve], report.curve(curve), **look)
        # a piece of the line goes with its name, so that dashes identify it where colour does not
        axes.plot([1.03, 1.11], [height, height], transform=beside, clip_on=False, **look)
        words = f"{report.tracker} {report.scores[score]:.3f}"
        axes.text(1.13, height, words, transform=beside, color=colour, va="center")
    axes.set(xlim=(0, reports[0].thresholds[curve][-1]), ylim=(0, 1.02))


def _spread(heights: Sequence[float], gap: float = 0.085) -> np.ndarray:
    """`heights` moved apart to at least `gap`, in the same order, and none above 1."""
    placed = np.array(heights, dtype=float)
    order = np.argsort(placed, kind="stable")
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + gap)
    # a stack that reaches too high slides down
    placed[order[-1:]] = placed[order[-1:]].clip(max=1.0)
    for above, below in pairwise(order[::-1]):
        placed[below] = min(placed[below], placed[above] - gap)
    return placed
