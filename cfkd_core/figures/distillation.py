"""How the terms of a loss fare while a student learns."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from cfkd_core.figures.style import ROLES, WIDTH

Curve = Sequence[float | None]

# Term -> colour; dashes tell neighbours apart where colours do not.
_LOOKS = {
    "fidelity": (ROLES["teacher"], "-"),
    "correlation_filter": (ROLES["ours"], "--"),
    "teacher_soft": (ROLES["student"], "-"),
    "adaptive_hard": (ROLES["prediction"], ":"),
}
TERMS = tuple(_LOOKS)
"""The four terms, in the order of the thesis."""


def terms_over_time(axes: Axes, curves: Mapping[str, Curve], steps: int) -> None:
    """Each term as a share of where it began.

    Args:
        curves: unweighted values by term; each point is the mean over an equal part of the steps.
    """
    for name in TERMS:
        values = np.array(curves[name], dtype=float)
        places = (np.arange(len(values)) + 0.5) * steps / len(values)
        first = next((value for value in values if value), 1.0)  # a switched term may begin at 0
        colour, dashes = _LOOKS[name]
        axes.plot(places, values / first, dashes, color=colour, label=words(name))
    axes.axhline(1, color="grey", linewidth=0.6, zorder=0)
    axes.set(xlabel="step", ylabel="share of the first value")
    axes.set_ylim(0, None)


def gradient_bars(axes: Axes, gradients: Mapping[str, float]) -> None:
    """Weighted gradients of the four terms on a logarithmic axis; a term of weight 0 has no bar."""
    low, high = 1e-3, 1e8
    for place, name in enumerate(TERMS):
        value = gradients[name]
        if value:
            axes.barh(place, max(value, low), 0.6, color=_LOOKS[name][0])
        axes.text(
            *(low * 1.6 if not value else max(value, low) * 1.6, place),
            "off" if not value else f"{value:.1g}",
            va="center",
            fontsize=8,
        )
    axes.set(xscale="log", xlim=(low, high * 100), xlabel="weight × gradient")
    axes.set_yticks(range(len(TERMS)), [words(name) for name in TERMS])
    axes.set_xticks([1e-2, 1e1, 1e4, 1e7])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.invert_yaxis()


def cell(
    curves: Mapping[str, Curve],
    steps: int,
    gradients: Mapping[str, float],
    *,
    score: float,
    others: Sequence[float],
) -> Figure:
    """One run of a grid of loss weights: its terms, what pulled at its backbone, how it judges.

    Args:
        gradients: weighted, by term, at the end.
        score: correlation of predicted with true overlaps at the end.
        others: that of every run of the grid.
    """
    figure = pyplot.figure(figsize=(WIDTH, 4.0))
    grid = figure.add_gridspec(2, 2, height_ratios=[3, 1], width_ratios=[1.1, 1])
    left, right = (figure.add_subplot(grid[0, column]) for column in (0, 1))
    terms_over_time(left, curves, steps)
    left.set_ylim(0, 2)
    left.set_title("terms")
    gradient_bars(right, gradients)
    right.set_title("pull at the backbone, end")
    below = figure.add_subplot(grid[1, :])
    below.plot(others, np.zeros(len(others)), "|", color="grey", markersize=12)
    below.plot(score, 0, "o", color=ROLES["student"], markersize=9)
    below.set(xlabel="correlation with the true overlap", yticks=[], ylim=(-1, 1))
    below.spines["left"].set_visible(False)
    below.set_title(f"judgement at the end: {score:.2f} (ticks: every run of the grid)")
    return figure


def rows_over_time(rows: Mapping[str, tuple[Mapping[str, Curve], int]]) -> Figure:
    """A panel for each of the four terms, with a line for each run that was trained with it.

    Args:
        rows: by name: curves by term, and the steps that they span.
    """
    panels = [name for name in TERMS if any(name in curves for curves, _ in rows.values())]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(WIDTH, 1.75 * len(panels) + 0.4), squeeze=False, sharex=True
    )
    colours = dict(zip(rows, _colours(len(rows)), strict=True))
    for ax, name in zip(axes[:, 0], panels, strict=True):
        for row, (curves, steps) in rows.items():
            if name not in curves:
                continue
            values = np.array(curves[name], dtype=float)
            places = 100 * (np.arange(len(values)) + 0.5) / len(values)
            colour, dashes = colours[row]
            ax.plot(places, values, dashes, color=colour, label=f"{row}, {steps:,} steps")
        positive = [v for curves, _ in rows.values() for v in curves.get(name, ()) if v]
        if min(positive) > 0:
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            ax.yaxis.set_minor_locator(NullLocator())
        ax.set_title(words(name))
    axes[-1, 0].set_xlabel("of the training, %")
    handles = {text: line for ax in axes[:, 0]
               for line, text in zip(*ax.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    return figure


def _colours(count: int) -> list[tuple[str, str]]:
    """So many pairs of a colour and dashes, all different."""
    return [(colour, dashes) for dashes in ("-", "--", ":") for colour in ROLES.values()][:count]


def words(term: str) -> str:
    """A term's name as a figure says it."""
    return term.replace("_", " ")
