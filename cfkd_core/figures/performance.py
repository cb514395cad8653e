"""Speed: networks under the roof of the processor, and what a tracker's frame is spent on."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from cfkd_core.benchmarks.roofline import ceiling
from cfkd_core.figures.style import ROLES, WIDTH


def roofline(
    points: Mapping[str, tuple[float, Sequence[float]]], peak: float, bandwidth: float
) -> Figure:
    """Speed against intensity, below the slope of the memory and the level of the multiplier.

    Args:
        points: name -> multiplications a byte, and multiplications a second in PyTorch and in the
            tracker's fast way.
        peak: multiplications a second.
        bandwidth: bytes a second.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.8))
    intensities = [intensity for intensity, _ in points.values()]
    ridge = peak / bandwidth
    ends = min([ridge, *intensities]) / 2, max([ridge, *intensities]) * 3
    roof = [(x, ceiling(x, peak, bandwidth) / 1e9) for x in (ends[0], ridge, ends[1])]
    axes.plot(*zip(*roof, strict=True), color="black", linewidth=1.2)
    lowest = min(min(speeds) for _, speeds in points.values()) / 1e9
    for colour, (name, (intensity, speeds)) in zip(_colours(points), points.items(), strict=True):
        before, after = (speed / 1e9 for speed in speeds)
        axes.plot([intensity] * 2, [before, after], color=colour, linewidth=1)
        axes.plot(intensity, before, "o", color=colour, fillstyle="none")
        axes.plot(intensity, after, "o", color=colour)
        axes.annotate(
            name,
            (intensity, before),
            xytext=(0, -7),
            textcoords="offset points",
            ha="center",
            va="top",
            color=colour,
            fontsize=9,
        )
    axes.plot([], [], "ko", fillstyle="none", label="PyTorch")
    axes.plot([], [], "ko", label="ONNX Runtime")
    figure.legend(loc="outside upper right", ncols=2)
    axes.set(xscale="log", yscale="log", xlabel="multiplications a byte")
    axes.set(ylabel="billion multiplications a second", ylim=(lowest / 2, 1.6 * peak / 1e9))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    return figure


def _colours(names: Mapping[str, object]) -> list[str]:
    """The student's, and the teacher's for it and its narrow sisters."""
    return [ROLES["student" if name == "MobileNetV2" else "teacher"] for name in names]


def anatomy(frames: Mapping[str, Mapping[str, float]]) -> Figure:
    """A bar for each tracker's mean frame, of the parts that were timed in it.

    Args:
        frames: tracker -> milliseconds of each part; one part, under any name, where nothing more
            is known.
    """
    parts = list(dict.fromkeys(part for each in frames.values() if len(each) > 1 for part in each))
    roles = ("teacher", "ground_truth", "student", "prediction", "ours")
    colours = dict(zip(parts, (ROLES[role] for role in roles), strict=False))
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.3 + 0.38 * len(frames)))
    for height, spent in zip(range(len(frames), 0, -1), frames.values(), strict=True):
        start = 0.0
        for part, milliseconds in spent.items():
            colour = colours.get(part, ROLES["thesis"])
            axes.barh(height, milliseconds, 0.62, left=start, color=colour)
            start += milliseconds
        axes.annotate(
            f"{start:.1f}", (start, height), xytext=(4, 0), textcoords="offset points", va="center"
        )
    for part, colour in colours.items():
        axes.barh(np.nan, np.nan, color=colour, label=part)
    figure.legend(loc="outside upper center", ncols=3)
    axes.set_yticks(range(len(frames), 0, -1), list(frames))
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="milliseconds a frame")
    axes.margins(x=0.12)
    return figure
