"""Patches, filters and score maps as pictures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Num, UInt8
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from torch import Tensor

from cfkd_core.figures.style import ROLES, WIDTH

Frame = UInt8[np.ndarray, "h w 3"]


def show_map(
    axes: Axes,
    values: Num[Tensor | np.ndarray, "h w"] | Frame,
    title: str = "",
    *,
    marks: Mapping[str, Float[np.ndarray, "2"]] | None = None,
    signed: bool = False,
) -> None:
    """A map of scores or weights, or a patch of pixels, without ticks.

    Args:
        marks: points (x, y) in cells, by role; a ring stands around each.
        signed: colours diverge from 0, which takes the middle of the scale.
    """
    shown = np.asarray(values)
    scale: dict[str, Any] = {}
    if signed:
        reach = float(np.abs(shown).max())
        scale = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    axes.imshow(shown, interpolation="nearest", **scale)
    for role, (x, y) in (marks or {}).items():
        # the white ring shows on dark cells, the coloured one on light cells
        for colour, width in (("white", 3.5), (ROLES[role], 1.8)):
            axes.plot(
                *(x, y, "o"),
                markersize=13,
                markerfacecolor="none",
                markeredgecolor=colour,
                markeredgewidth=width,
            )
    axes.set_title(title)
    axes.set_axis_off()


def siamese(
    target: UInt8[np.ndarray, "n m 3"],
    search: Frame,
    features: tuple[Float[Tensor, "c n m"], Float[Tensor, "c h w"]],
    scores: Float[Tensor, "y x"],
    truth: Float[np.ndarray, "2"],
) -> Figure:
    """Two patches, the first channel of their features, and the score map of the search.

    Args:
        features: of the target patch and of the search patch.
        truth: (x, y) in cells of the score map, where the target is.

    Source: the idea of thesis Fig. 1.1, p. 7, with real arrays for boxes.
    """
    figure = pyplot.figure(figsize=(WIDTH, 3.4))
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 1, 1.3], height_ratios=[1, 1.6], wspace=0.2)
    rows = zip(("target", "search"), (target, search), features, strict=True)
    for row, (name, pixels, channels) in enumerate(rows):
        patch_axes, feature_axes = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        show_map(patch_axes, pixels, f"{name}\n{_shape(pixels.shape[:2])} px")
        show_map(feature_axes, channels[0], f"φ({name})\n{_shape(channels.shape)}")
        _arrow(patch_axes, feature_axes, "φ")
    score_axes = figure.add_subplot(grid[:, 2])
    title = f"score map\n{_shape(scores.shape)}"
    show_map(score_axes, scores, title, marks={"ground_truth": truth})
    figure.text(0.615, 0.5, "∗", fontsize=20, ha="center", va="center")
    return figure


def _shape(lengths: tuple[int, ...]) -> str:
    return " × ".join(str(length) for length in lengths)


def _arrow(start: Axes, end: Axes, label: str) -> None:
    """An arrow from the right edge of one picture to the left edge of the next."""
    figure = start.figure
    arrow = ConnectionPatch(
        *((1.05, 0.5), (-0.05, 0.5), start.transAxes, end.transAxes),
        arrowstyle="-|>",
        mutation_scale=9,
        facecolor="black",
        in_layout=False,
    )
    figure.add_artist(arrow)
    gap = start.annotate(
        label,
        xy=(1.05, 0.5),
        xycoords=start.transAxes,
        xytext=(8, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
    )
    gap.set_in_layout(False)
