"""Diagrams of what flows where: ATOM between two patches, and what a distillation compares."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from cfkd_core.figures.style import ROLES, WIDTH
from cfkd_core.models.anatomy import Flow, Shape

Pixels = UInt8[np.ndarray, "h w 3"]
Point = tuple[float, float]


def overview(
    flow: Flow, patches: Mapping[str, Pixels], scores: tuple[int, int], answer: str
) -> Figure:
    """One tracker: two patches, one backbone, a head trained before and a classifier trained now.

    Args:
        patches: "target" and "search".
        scores: rows and columns of the classifier's map.
        answer: what the head says of each proposal.

    Source: the idea of thesis Figs. 3.1, p. 24, and 4.2, p. 43.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.5))
    colour, grey = ROLES["teacher"], ROLES["thesis"]
    ends = {}
    for name, y in (("target", 5.6), ("search", 2.2)):
        _picture(axes, patches[name], (0.75, y), 0.7, f"{name} patch")
        ends[name] = _blocks(axes, flow.blocks, (2.1, y), colour)
        _arrow(axes, (1.5, y), (1.85, y))
    axes.text(3.5, 3.85, f"{flow.name},\nthe same weights", ha="center", va="center", color=colour)
    _box(axes, (7.15, 5.6), (2.5, 1.3), "what the target is\n(box of the target)", colour)
    _box(axes, (7.15, 3.4), (2.5, 1.3), "head: judges boxes\n(proposals)", colour)
    _box(axes, (7.15, 1.0), (2.5, 1.3), "classifier, learnt\nwhile tracking", grey)
    _arrow(axes, ends["target"], (5.85, 5.6))
    _arrow(axes, ends["search"], (5.85, 3.2))
    _arrow(axes, ends["search"], (5.85, 1.2))
    _arrow(axes, (7.15, 4.9), (7.15, 4.1))
    words = " + ".join(str(each) for each in flow.vectors)
    axes.text(7.3, 4.5, f"{words} numbers", va="center", fontsize=8.5)
    axes.text(5.15, 4.6, "blocks\n3 and 4", ha="center", va="center", fontsize=8.5)
    axes.text(5.15, 1.2, "block 4", ha="center", va="center", fontsize=8.5)
    _arrow(axes, (8.45, 3.4), (8.85, 3.4))
    _arrow(axes, (8.45, 1.0), (8.85, 1.0))
    axes.text(8.95, 3.4, answer, va="center", fontsize=9)
    axes.text(8.95, 1.0, f"score map\n{_times(scores)}", va="center", fontsize=9)
    _finish(axes, (0.0, 10.6), (0.2, 6.6))
    return figure


def distillation(teacher: Flow, student: Flow, patches: Mapping[str, Pixels]) -> Figure:
    """Teacher above, student below, and the four terms where they compare.

    Source: the idea of thesis Fig. 3.2, p. 25.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.5))
    rows = {"teacher": (teacher, 6.3), "student": (student, 2.0)}
    for name, y in (("target", 5.0), ("search", 3.1)):
        _picture(axes, patches[name], (0.75, y), 0.65, f"{name} patch")
    for role, (flow, y) in rows.items():
        colour = ROLES[role]
        _arrow(axes, (1.5, 4.15), (1.95, y))
        end = _blocks(axes, flow.blocks, (2.2, y), colour)
        _arrow(axes, end, (6.0, y))
        _box(axes, (6.85, y), (1.6, 1.0), f"head,\nwidth {flow.vectors[0]}", colour)
        _arrow(axes, (7.7, y), (8.45, y))
        axes.text(
            9.1, y, f"overlap of\n{flow.answer[0]} boxes", ha="center", va="center", fontsize=9
        )
        axes.text(6.85, y + 0.75, flow.name, ha="center", va="center", color=colour)
        label = y + (0.1 if role == "teacher" else -0.5)
        axes.text(0.75, label, role, ha="center", va="center", color=colour)
    _terms(axes, rows["teacher"][1], rows["student"][1])
    _finish(axes, (0.0, 10.2), (-0.8, 7.3))
    return figure


def _terms(axes: Axes, above: float, below: float) -> None:
    """The four losses, each with arrows from what it compares."""
    colour, middle = ROLES["ours"], (above + below) / 2
    deep = (4.35, 5.05)  # where `_blocks` puts blocks 3 and 4
    _box(axes, (4.7, middle), (1.9, 0.7), "fidelity", colour)
    for x in deep:
        _arrow(axes, (x, above - 0.55), (x, middle + 0.4), color=colour)
        _arrow(axes, (x, below + 0.55), (x, middle - 0.4), color=colour)
    _box(axes, (9.1, middle), (1.9, 0.7), "teacher soft", colour)
    _arrow(axes, (9.1, above - 0.5), (9.1, middle + 0.4), color=colour)
    _arrow(axes, (9.1, below + 0.5), (9.1, middle - 0.4), color=colour)
    lowest = below - 2.35
    _box(axes, (3.7, lowest), (3.0, 0.7), "correlation filter", colour)
    for x in (2.45, 3.5, *deep):
        _arrow(axes, (x, below - 0.95), (x, lowest + 0.4), color=colour)
    _box(axes, (9.1, lowest), (1.9, 0.7), "adaptive hard", colour)
    _arrow(axes, (9.1, below - 0.5), (9.1, lowest + 0.4), color=colour)
    for x in (5.25, 8.1):
        _arrow(axes, (6.65, lowest), (x, lowest), color=ROLES["ground_truth"])
    axes.text(
        *(6.65, lowest + 0.42, "the true box"),
        ha="center",
        va="center",
        fontsize=9,
        color=ROLES["ground_truth"],
    )


def _blocks(axes: Axes, blocks: Sequence[Shape], start: Point, colour: str) -> Point:
    """Four volumes from left to right, and the place where an arrow leaves them."""
    x, y = start
    places = (0.25, 1.3, 2.15, 2.85)
    largest = max(shape[1] for shape in blocks)
    for number, (place, (channels, rows, _)) in enumerate(zip(places, blocks, strict=True), 1):
        half = 0.5 * (rows / largest) ** 0.5
        thickness = 0.06 + 0.045 * channels**0.4
        _volume(axes, (x + place, y), thickness, half, colour)
        axes.text(
            x + place + 0.05, y - half - 0.1, f"{channels}", ha="center", va="top", fontsize=8
        )
        axes.text(x + place + 0.1, y + half + 0.05, f"{number}", ha="center", fontsize=8)
    return (x + places[-1] + 0.45, y)


def _volume(axes: Axes, centre: Point, thickness: float, half: float, colour: str) -> None:
    """A box in oblique view: `thickness` along x, `half` its height and its depth."""
    (x, y), shift, rise = centre, 0.22 * half, 0.5 * half
    left, right, bottom, top = x - thickness / 2, x + thickness / 2, y - half, y + half / 2
    front = [(left, bottom), (right, bottom), (right, top), (left, top)]
    lid = [(left, top), (right, top), (right + shift, top + rise), (left + shift, top + rise)]
    side = [(right, bottom), (right, top), (right + shift, top + rise),
            (right + shift, bottom + rise)]  # fmt: skip
    for face, alpha in ((front, 0.55), (lid, 0.3), (side, 0.4)):
        axes.add_patch(Polygon(face, facecolor=(colour, alpha), edgecolor=colour, linewidth=0.8))


def _picture(axes: Axes, pixels: Pixels, centre: Point, half: float, title: str) -> None:
    (x, y), size = centre, half
    axes.imshow(pixels, extent=(x - size, x + size, y - size, y + size), zorder=1)
    axes.text(x, y - size - 0.08, title, ha="center", va="top", fontsize=8.5)


def _box(axes: Axes, centre: Point, size: tuple[float, float], words: str, colour: str) -> None:
    (x, y), (width, height) = centre, size
    axes.add_patch(
        FancyBboxPatch(
            *((x - width / 2, y - height / 2), width, height),
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=(colour, 0.2),
            edgecolor=colour,
        )
    )
    axes.text(x, y, words, ha="center", va="center", fontsize=9, linespacing=1.15)


def _arrow(axes: Axes, start: Point, end: Point, color: str = "black", **style: Any) -> None:
    axes.add_patch(
        FancyArrowPatch(
            *(start, end),
            arrowstyle="-|>",
            mutation_scale=8,
            shrinkA=0,
            shrinkB=0,
            color=color,
            **style,
        )
    )


def _times(lengths: tuple[int, int]) -> str:
    return " × ".join(str(length) for length in lengths)


def _finish(axes: Axes, across: tuple[float, float], up: tuple[float, float]) -> None:
    axes.set(xlim=across, ylim=up, aspect="equal")
    axes.set_axis_off()
