"""Diagrams of networks and of what they cost, drawn from records of their modules."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.ticker import LogLocator, NullLocator

from cfkd_core.figures.style import ROLES, WIDTH
from cfkd_core.models.anatomy import Shape, Step, Unit


def residual_blocks(blocks: Mapping[str, Sequence[Step]]) -> Figure:
    """Blocks as rows of slabs whose thickness is their number of channels, by role.

    Source: the idea of thesis Fig. 3.3, p. 27, after MobileNetV2's Fig. 3.
    """
    figure, rows = pyplot.subplots(len(blocks), 1, figsize=(WIDTH, 2.1 * len(blocks)))
    widest = max(step.after[0] for block in blocks.values() for step in block)
    for axes, (role, block) in zip(np.atleast_1d(rows), blocks.items(), strict=True):
        _slab_row(axes, block, ROLES[role], thickness=1.0 / widest)
    return figure


def _slab_row(axes: Axes, block: Sequence[Step], colour: str, thickness: float) -> None:
    """The maps of one block in a row of fixed length, with the operation between two maps."""
    channels = [block[0].before[0], *(step.after[0] for step in block)]
    pitch = 7.5 / (len(channels) - 1)
    places = [pitch * index for index in range(len(channels))]
    half = [count * thickness / 2 for count in channels]
    for place, width, count in zip(places, half, channels, strict=True):
        _slab(axes, place, width, colour)
        axes.text(place + 0.1, -0.42, f"{count}", ha="center", va="top")
    for index, step in enumerate(block):
        start, end = places[index] + half[index] + 0.3, places[index + 1] - half[index + 1] - 0.06
        _arrow(axes, (start, 0.5), (end, 0.5))
        words = f"{step.kernel}×{step.kernel}"
        words = f"depthwise\n{words}" if step.kind == "depthwise" else words
        last_of_teacher = index == len(block) - 1 and step.activation == "ReLU"
        after = "" if last_of_teacher else step.activation
        axes.text((start + end) / 2, 0.56, words, ha="center", va="bottom", fontsize=8.5)
        axes.text((start + end) / 2, 0.44, after, ha="center", va="top", fontsize=8.5)
    _shortcut(axes, places[0] + 0.12, places[-1] + 0.12, block[-1].activation)
    axes.set(xlim=(-1.0, 8.6), ylim=(-0.75, 2.0))
    axes.set_axis_off()


def _slab(axes: Axes, place: float, half: float, colour: str) -> None:
    """A box in oblique view: as thick as it has channels, always as high."""
    shift, rise = 0.2, 0.22
    left, right, bottom, top = place - half, place + half, -0.3, 1.1
    front = [(left, bottom), (right, bottom), (right, top), (left, top)]
    lid = [(left, top), (right, top), (right + shift, top + rise), (left + shift, top + rise)]
    side = [
        (right, bottom),
        (right, top),
        (right + shift, top + rise),
        (right + shift, bottom + rise),
    ]
    for face, alpha in ((front, 0.55), (lid, 0.3), (side, 0.4)):
        axes.add_patch(Polygon(face, facecolor=(colour, alpha), edgecolor=colour, linewidth=0.8))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], **style) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=8,
            shrinkA=0,
            shrinkB=0,
            color="black",
            **style,
        )
    )


def _shortcut(axes: Axes, start: float, end: float, activation: str) -> None:
    """The input's way around the block, and what is done to the sum."""
    height = 1.72
    axes.plot([start, start, end], [1.4, height, height], color="black", linewidth=0.9)
    _arrow(axes, (end, height), (end, 1.36), linewidth=0.9)
    words = "added" if activation == "linear" else f"added, then {activation}"
    axes.text((start + end) / 2, height + 0.05, words, ha="center", va="bottom", fontsize=8.5)


def operations(blocks: Sequence[tuple[Unit, Sequence[Step]]]) -> Figure:
    """Blocks as columns of operations, with k, t k, d and s beside the numbers they stand for.

    Source: the idea of thesis Fig. 3.4, p. 28.
    """
    figure, columns = pyplot.subplots(1, len(blocks), figsize=(WIDTH, 3.9))
    for axes, (unit, block) in zip(np.atleast_1d(columns), blocks, strict=True):
        _operation_column(axes, unit, block)
    return figure


def _operation_column(axes: Axes, unit: Unit, block: Sequence[Step]) -> None:
    """One block from top to bottom: a map, an operation, a map, and so on."""
    symbols = ["k", *["t k"] * (len(block) - 1), "d"]
    shapes = [block[0].before, *(step.after for step in block)]
    top, pitch = 0.0, 1.5
    for index, (symbol, shape) in enumerate(zip(symbols, shapes, strict=True)):
        y = top - pitch * index
        axes.text(0.1, y, _map_words(shape), ha="center", va="center", fontsize=9)
        axes.text(1.55, y, f"${symbol}={shape[0]}$", ha="center", va="center", fontsize=9)
    for index, step in enumerate(block):
        y = top - pitch * index
        _arrow(axes, (0.1, y - 0.2), (0.1, y - 0.46))
        _operation_box(axes, y - 0.75, step)
        _arrow(axes, (0.1, y - 1.04), (0.1, y - 1.3))
    last = top - pitch * len(block)
    if unit.shortcut:
        _way_around(axes, top, last)
    words = "with a shortcut" if unit.shortcut else "without a shortcut"
    title = f"$k={unit.before[0]},\\ t={unit.expansion},\\ d={unit.after[0]},\\ s={unit.stride}$"
    axes.set_title(f"{title}\n{words}", loc="center")
    axes.set(xlim=(-1.75, 2.3), ylim=(last - 0.35, top + 0.3))
    axes.set_axis_off()


def _operation_box(axes: Axes, y: float, step: Step) -> None:
    colour = ROLES["student"] if step.kind == "depthwise" else ROLES["thesis"]
    box = FancyBboxPatch(
        (-1.05, y - 0.26),
        2.3,
        0.52,
        boxstyle="round,pad=0.02,rounding_size=0.12",
        facecolor=(colour, 0.2),
        edgecolor=colour,
    )
    axes.add_patch(box)
    kind = "" if step.kind == "pointwise" else f" {step.kind}, $s={step.stride}$"
    words = f"{step.kernel}×{step.kernel}{kind}\n{step.activation}"
    axes.text(0.1, y, words, ha="center", va="center", fontsize=8.5, linespacing=1.1)


def _way_around(axes: Axes, top: float, last: float) -> None:
    """The shortcut on the left of a column of operations."""
    x = -1.45
    axes.plot([-0.75, x, x], [top, top, last], color="black", linewidth=0.9)
    _arrow(axes, (x, last), (-0.75, last), linewidth=0.9)
    axes.text(x + 0.06, last + 0.12, "+", ha="left", va="bottom", fontsize=11)


def backbones(
    networks: Mapping[str, Sequence[Sequence[Unit]]], titles: Mapping[str, str]
) -> Figure:
    """Two backbones side by side, block by block; maps on the same level have the same size.

    Args:
        networks: units of blocks 1 to 4, by role.
        titles: what each network is called, by role.

    Source: the idea of thesis Fig. 3.5, p. 28.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 5.4))
    lines = {role: [_lines(block) for block in blocks] for role, blocks in networks.items()}
    heights = [max(map(len, pair)) for pair in zip(*lines.values(), strict=True)]
    columns = dict(zip(networks, (-2.25, 2.25), strict=True))
    for role, x in columns.items():
        axes.text(x, 1.1, titles[role], ha="center", va="bottom", fontsize=11, color=ROLES[role])
        _arrow_with_map(axes, (x, 0.95), networks[role][0][0].before)
    top = 0.0
    for index, height in enumerate(heights):
        for role, x in columns.items():
            _strips(axes, (x, top - height / 2), height, lines[role][index], ROLES[role])
            _arrow_with_map(axes, (x, top - height - 0.05), networks[role][index][-1].after)
        axes.text(0, top - height / 2, f"block\n{index + 1}", ha="center", va="center", fontsize=9)
        top -= height + 1.0
    axes.set(xlim=(-4.1, 4.1), ylim=(top - 0.1, 1.7))
    axes.set_axis_off()
    return figure


def _strips(
    axes: Axes, centre: tuple[float, float], height: float, lines: Sequence[str], colour: str
) -> None:
    """One strip for each run of units, together `height` high."""
    x, middle = centre
    pitch = height / len(lines)
    for index, line in enumerate(lines):
        y = middle + height / 2 - pitch * (index + 0.5)
        strip = FancyBboxPatch(
            *((x - 1.75, y - pitch / 2 + 0.06), 3.5, pitch - 0.12),
            boxstyle="round,pad=0,rounding_size=0.2",
            facecolor=(colour, 0.2),
            edgecolor=colour,
        )
        axes.add_patch(strip)
        axes.text(x, y, line, ha="center", va="center", fontsize=8.5)


def _arrow_with_map(axes: Axes, start: tuple[float, float], shape: Shape) -> None:
    """An arrow down, with the size of the map that flows along it."""
    x, y = start
    _arrow(axes, start, (x, y - 0.88))
    axes.text(x + 0.15, y - 0.42, _map_words(shape), va="center", fontsize=8.5)


def _map_words(shape: Shape) -> str:
    channels, rows, columns = shape
    return f"{rows} × {columns} × {channels}"


def _lines(block: Sequence[Unit]) -> list[str]:
    """One line for each run of equal units."""
    runs = [(unit, len(list(group))) for unit, group in groupby(block, key=_kind_of)]
    return [_words(kind, count) for kind, count in runs]


def _kind_of(unit: Unit) -> tuple[str, int, int, int]:
    return unit.kind, unit.expansion, unit.after[0], unit.stride


def _words(kind: tuple[str, int, int, int], count: int) -> str:
    name, expansion, channels, stride = kind
    if name == "InvertedResidual":
        words = f"bottleneck $t={expansion}$, {channels}"
    elif name in ("BasicBlock", "Bottleneck"):
        words = f"residual block, {channels}"
    else:
        words = {"Conv2d": f"convolution, {channels}", "MaxPool2d": "max pooling"}[name]
    words += f", $s={stride}$" if stride > 1 else ""
    return words if count == 1 else f"{count} × {words}"


def by_block(columns: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Bars for blocks 1 to 4 of two networks, one panel for each quantity.

    Args:
        columns: name of a quantity with its unit -> role -> value of each block.
    """
    figure, panels = pyplot.subplots(1, len(columns), figsize=(WIDTH, 2.6))
    for axes, (quantity, values) in zip(np.atleast_1d(panels), columns.items(), strict=True):
        for offset, (role, heights) in zip((-0.2, 0.2), values.items(), strict=True):
            places = np.arange(1, len(heights) + 1) + offset
            axes.bar(places, heights, 0.38, color=ROLES[role], label=role)
        axes.set(title=quantity, xlabel="block", xticks=range(1, len(heights) + 1))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def throughput(layers: Mapping[str, Sequence[tuple[float, float, float]]]) -> Figure:
    """Speed of layers against the multiplications they make for each byte that they touch.

    Args:
        layers: kind -> (multiplications a byte, multiplications a second, seconds) of each layer;
            the area of a mark is the layer's time.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.3))
    colours = dict(zip(layers, ("teacher", "ours", "student"), strict=True))
    for kind, points in layers.items():
        intensity, speed, seconds = np.array(points).T
        colour = ROLES[colours[kind]]
        axes.scatter(
            *(intensity, speed / 1e9, 2e4 * seconds + 4),
            color=(colour, 0.5),
            edgecolor=colour,
            label=kind,
        )
    axes.set(xscale="log", yscale="log", xlabel="multiplications a byte")
    axes.set_ylabel("billion multiplications a second")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 3)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    legend = axes.legend(loc="lower right")
    pyplot.setp(legend.legend_handles, sizes=[40])
    return figure
