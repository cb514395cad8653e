"""What an evaluation found, as plots: curves, rankings, and one number against another.

Every tracker is named beside its mark. Marks differ in colour and in dashes or shape, so that they
are told apart in grey; lines repeat a piece of themselves beside the name.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from cfkd_core.benchmarks.report import Report
from cfkd_core.figures.style import ROLES

_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")

# The first of these that a report has stands in the label of a curve.
_SCORES = {
    "success": ("success_auc", "average_overlap"),
    "precision": ("precision_at_20", "precision_auc"),
    "norm_precision": ("norm_precision_at_20", "norm_precision_auc"),
    "eao": ("eao",),
}

REAL_TIME = 20
"""Frames per second that VOT's real-time experiment asks for."""


def success_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Share of frames whose overlap exceeds each threshold, one line a tracker.

    The number in a label is the area under the line, or GOT-10k's mean overlap.
    """
    _curves(axes, reports, "success", label_at=0.5)
    axes.set(xlabel="overlap threshold", ylabel="share of frames above it")


def precision_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Share of frames whose centre error is at most each threshold, one line a tracker.

    The number in a label is the value at 20 px, which the grey line marks, or the area under the
    line where the protocol takes that.
    """
    _mark_value(axes, reports, "precision", 20.0)
    _curves(axes, reports, "precision", label_at=50.0)
    axes.set(xlabel="centre error threshold (px)", ylabel="share of frames within it")


def norm_precision_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Share of frames whose error in sides of the target is at most each threshold.

    The number in a label is the value at 0.2, which the grey line marks, or the area under the
    line where the protocol takes that.
    """
    _mark_value(axes, reports, "norm_precision", 0.2)
    _curves(axes, reports, "norm_precision", label_at=0.5)
    axes.set(xlabel="centre error threshold (sides)", ylabel="share of frames within it")


def eao_plot(axes: Axes, reports: Sequence[Report], lengths: tuple[int, int]) -> None:
    """Expected average overlap of sequences of each length, one line a tracker.

    Args:
        lengths: first and last length of the grey band, over which the number in a label is the
            mean; the protocol's `lengths`.
    """
    axes.axvspan(*lengths, color="grey", alpha=0.2, linewidth=0, zorder=0)
    last = 2.0 * lengths[1]
    # a sequence of one frame has nothing to track
    _curves(axes, reports, "eao", label_at=last, span=(2.0, last))
    axes.set(xlabel="length of the sequence (frames)", ylabel="expected average overlap")
    axes.set_ylim(0, None)


def _mark_value(axes: Axes, reports: Sequence[Report], curve: str, threshold: float) -> None:
    if all(_SCORES[curve][0] in report.scores for report in reports):
        axes.axvline(threshold, color="grey", linewidth=0.8, zorder=0)


def _curves(
    axes: Axes,
    reports: Sequence[Report],
    curve: str,
    *,
    label_at: float,
    span: tuple[float, float] | None = None,
) -> None:
    """Lines, and to their right a label each, about as high as the lines are at `label_at`."""
    lines = [(np.array(report.thresholds[curve]), report.curve(curve)) for report in reports]
    start, end = span or (0.0, lines[0][0][-1])
    shown = [(x[(start <= x) & (x <= end)], y[(start <= x) & (x <= end)]) for x, y in lines]
    top = 1.02 if span is None else 1.1 * max(np.nanmax(y) for _, y in shown)
    scores = [_score(report, curve) for report in reports]
    ends = [np.interp(label_at, x, y) / top for x, y in shown]
    for i, (report, (x, y), height) in enumerate(
        zip(reports, shown, _heights(scores, ends), strict=True)
    ):
        look = _line_look(i)
        axes.plot(x, y, **look, markevery=max(1, len(x) // 8))
        _key(axes, height, f"{report.tracker} {scores[i]:.3f}", look)
    axes.set(xlim=(0, end), ylim=(0, top))


def _score(report: Report, curve: str) -> float:
    return next(report.scores[name] for name in _SCORES[curve] if name in report.scores)


def _heights(scores: Sequence[float], ends: Sequence[float]) -> Float[np.ndarray, "_"]:
    """Where the labels stand: where the lines end, but in the order of the scores."""
    heights = np.empty(len(scores))
    heights[np.argsort(scores, kind="stable")] = _spread(sorted(ends))
    return heights


def _line_look(index: int) -> dict[str, Any]:
    colours = list(ROLES.values())
    dash = _DASHES[index % len(_DASHES)]
    marker = "" if index < len(_DASHES) else _MARKERS[index % len(_MARKERS)]
    return {
        "color": colours[index % len(colours)],
        "linestyle": dash,
        "marker": marker,
        "markersize": 4,
    }


def _key(
    axes: Axes, height: float, words: str, look: Mapping[str, Any], left: float = 1.03
) -> None:
    """A name to the right of the axes behind a piece of its line, placed in shares of the axes."""
    # a piece of the line goes with its name, so that dashes identify it where colour does not
    piece = Line2D([left, left + 0.08], [height] * 2, **look)
    piece.set(transform=axes.transAxes, clip_on=False)
    axes.add_artist(piece)
    axes.text(left + 0.1, height, words, color=look["color"], va="center", transform=axes.transAxes)


def _spread(heights: Sequence[float], gap: float = 0.085) -> Float[np.ndarray, "_"]:
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


def ranking_plot(
    axes: Axes,
    reports: Sequence[Report],
    score: str,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """One number of each tracker, the best on top.

    Args:
        intervals: tracker -> ends of the whisker through its mark; `bootstrap.confidence` has them.
    """
    ranked = sorted(reports, key=lambda report: report.scores[score])
    for height, report in enumerate(ranked):
        value = report.scores[score]
        if intervals and report.tracker in intervals:
            axes.plot(intervals[report.tracker], [height] * 2, color="grey", linewidth=1.2)
        axes.plot(value, height, "o", color=ROLES["student"])
        axes.annotate(f"{value:.3f}", (value, height), (0, 5), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
    axes.set_yticks(range(len(ranked)), [report.tracker for report in ranked])
    axes.set(xlabel=_words(score), ylim=(-0.6, len(ranked) - 0.2))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def ar_plot(axes: Axes, reports: Sequence[Report]) -> None:
    """Accuracy against the chance to survive 30 frames, by VOT's legacy rule; best is top right."""
    points = {each.tracker: (each.scores["reliability"], each.scores["accuracy"])
              for each in reports}  # fmt: skip
    axes.set(xlabel="reliability: chance to survive 30 frames", ylabel="accuracy: mean overlap")
    _named_points(axes, points)


def speed_plot(axes: Axes, reports: Sequence[Report], score: str) -> None:
    """A score against frames per second; what is right of the grey line keeps up with a video.

    Reports without a speed are left out.
    """
    points = {each.tracker: (each.fps, each.scores[score]) for each in reports if each.fps}
    axes.set_xscale("log")
    axes.axvline(REAL_TIME, color="grey", linewidth=0.8, zorder=0)
    axes.set(xlabel="frames per second", ylabel=_words(score))
    _named_points(axes, points)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _words(score: str) -> str:
    """A score's name as an axis says it."""
    return score.replace("_", " ").replace("auc", "AUC").replace("eao", "expected average overlap")


# Where a name may stand beside its mark: offset in points, and how it is aligned.
_PLACES = (
    ((9, 0), "left", "center"),
    ((-9, 0), "right", "center"),
    ((0, 7), "center", "bottom"),
    ((0, -7), "center", "top"),
    ((6, 5), "left", "bottom"),
    ((6, -5), "left", "top"),
    ((-6, 5), "right", "bottom"),
    ((-6, -5), "right", "top"),
)


def _named_points(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """A mark for each point and its name beside, where it covers neither a mark nor a name."""
    colours = list(ROLES.values())
    for i, (x, y) in enumerate(points.values()):
        axes.plot(x, y, _MARKERS[i % len(_MARKERS)], color=colours[i % len(colours)], markersize=7)
    axes.margins(0.25, 0.15)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]  # never a figure in a figure
    half = 5 * axes.figure.dpi / 72
    marks = [
        Bbox.from_bounds(x - half, y - half, 2 * half, 2 * half)
        for x, y in map(axes.transData.transform, points.values())
    ]
    taken = list(marks)
    for i, (name, xy) in enumerate(points.items()):
        taken.append(_write_beside(axes, name, xy, colours[i % len(colours)], taken))


def _write_beside(
    axes: Axes, name: str, xy: tuple[float, float], colour: str, taken: Sequence[Bbox]
) -> Bbox:
    """Writes a name at the first of its places that is free and inside, and says where it lies."""
    tried: list[tuple[int, int, Annotation, Bbox]] = []
    for offset, across, along in _PLACES:
        text = axes.annotate(
            name,
            xy,
            offset,
            textcoords="offset points",
            ha=across,
            va=along,
            color=colour,
            fontsize=9,
        )
        box = text.get_window_extent()
        inside = axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
        covered = sum(Bbox.intersection(box, other) is not None for other in taken)
        tried.append((covered + (not inside), len(tried), text, box))
        text.remove()
        if not tried[-1][0]:
            break
    *_, text, box = min(tried, key=lambda trial: trial[:2])
    axes.add_artist(text)
    return box


def attribute_radar(axes: PolarAxes, reports: Sequence[Report], score: str) -> None:
    """A score by attribute of the sequences, one spoke each, one line a tracker.

    A spoke's name says how many sequences have the attribute. The number in a label is the score
    on all sequences.
    """
    tables = [report.by_attribute() for report in reports]
    codes = list(tables[0].index)
    angles = np.linspace(0, 2 * np.pi, len(codes), endpoint=False)
    for i, (report, table) in enumerate(zip(reports, tables, strict=True)):
        values = table.loc[codes, score].to_numpy(float)
        look = _line_look(i)
        axes.plot([*angles, angles[0]], [*values, values[0]], **look)
        height = 1 - 0.085 * i
        _key(axes, height, f"{report.tracker} {report.scores[score]:.3f}", look, left=1.22)
    counts = tables[0]["sequences"].astype(int)
    axes.set_xticks(angles, [f"{code}\n{count}" for code, count in counts.items()], fontsize=8)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_ylim(0, None)
    axes.set_rlabel_position(180 / len(codes))  # between the first two spokes
    axes.tick_params(axis="y", labelsize=8)
    axes.grid(color="grey", alpha=0.4, linewidth=0.6)
    axes.spines["polar"].set_visible(False)
