"""What a tracker sees and decides, as pictures."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float, Num, UInt8
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from cfkd_core.datasets.video import draw_box
from cfkd_core.figures.style import ROLES, WIDTH

Pixels = UInt8[np.ndarray, "h w 3"]


def show_pixels(
    axes: Axes,
    pixels: Pixels,
    boxes: Mapping[str, Float[np.ndarray, "4"]],
    title: str = "",
) -> None:
    """A frame or patch with a box for each role; an absent box is not drawn.

    Args:
        boxes: px of the frame or patch, by role in `style.ROLES`.
    """
    height, width = pixels.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0))
    for role, box in boxes.items():
        outline(axes, box, role)
    axes.set(xlim=(0, width), ylim=(height, 0), title=title)
    axes.set_axis_off()


def outline(axes: Axes, box: Float[np.ndarray, "4"], role: str, alpha: float = 1.0) -> None:
    """A rectangle in the colour of `role`, on a pale rim that shows on dark pixels."""
    x, y, *size = box.tolist()
    for colour, width in (("#fdfdfd", 3.2), (ROLES[role], 1.6)):
        axes.add_patch(
            Rectangle((x, y), *size, fill=False, edgecolor=colour, linewidth=width, alpha=alpha)
        )


def show_scores(
    axes: Axes,
    pixels: Pixels,
    scores: Float[np.ndarray, "s s"],
    peak: Float[np.ndarray, "2"],
    title: str = "",
) -> None:
    """A search patch, darkened where the score is low, with a cross on the chosen peak.

    Args:
        scores: one value a patch px; brightest at the highest, dark from 0 down.
        peak: (x, y) in patch px.
    """
    strength = np.clip(scores / max(scores.max(), 1e-6), 0, 1)[..., None]
    colours = cv2.applyColorMap((255 * strength).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    blended = 0.45 * grey + 0.55 * colours[..., ::-1]
    show_pixels(axes, blended.astype(np.uint8), {}, title)
    for colour, width in (("#fdfdfd", 3.5), ("#010101", 1.5)):
        axes.plot(*peak, "+", markersize=14, color=colour, markeredgewidth=width)


def show_energy(axes: Axes, features: Num[Tensor, "c h w"], title: str) -> None:
    """One block of features: the root mean square over channels at each cell."""
    axes.imshow(features.square().mean(0).sqrt().cpu(), interpolation="nearest")
    axes.set_title(title)
    axes.set_axis_off()


def show_weights(
    axes: Axes, weights: Float[np.ndarray, "n"], initial: int, insertions: Sequence[int]
) -> None:
    """What each remembered sample counts, in percent.

    Args:
        weights: of the filled slots, in the order of the memory.
        initial: how many of them are of the first frame.
        insertions: frame in which each of the others was seen.
    """
    axes.bar(
        -np.arange(initial)[::-1] - 1, 100 * weights[:initial], width=0.9, color=ROLES["teacher"]
    )
    axes.bar(insertions, 100 * weights[initial:], width=0.9, color=ROLES["student"])
    axes.set(xlabel="frame in which the sample was seen", ylabel="weight, %")
    top = 100 * weights.max()
    axes.set_ylim(0, 1.2 * top)
    views = f"first frame, {initial} views"
    axes.text(-initial, 1.06 * top, views, color=ROLES["teacher"])
    if not insertions:
        return
    axes.text(max(insertions), 1.06 * top, "later frames", ha="right", color=ROLES["student"])


def montage(pixels: Sequence[Pixels], columns: int, gap: int = 4) -> Pixels:
    """Patches of one size side by side, row by row, with a white gap between them."""
    height, width = pixels[0].shape[:2]
    rows = -(-len(pixels) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, each in enumerate(pixels):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = each
    return sheet


def film_frame(
    frame: Pixels,
    boxes: Mapping[str, Float[np.ndarray, "4"]],
    scores: Float[np.ndarray, "s s"] | None,
    scale: int = 2,
) -> Pixels:
    """One frame of a clip: larger, with boxes, and the score map in the lower left corner."""
    canvas = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    for role, box in boxes.items():
        red, green, blue = (round(255 * part) for part in to_rgb(ROLES[role]))
        canvas = draw_box(canvas, box * scale, (red, green, blue))
    if scores is not None:
        side = canvas.shape[0] // 4
        strength = (255 * np.clip(scores, 0, 1)).astype(np.uint8)
        small = cv2.resize(cv2.applyColorMap(strength, cv2.COLORMAP_VIRIDIS), (side, side))
        canvas[-side:, :side] = small[..., ::-1]
        cv2.rectangle(canvas, (0, canvas.shape[0] - side), (side, canvas.shape[0]), (255,) * 3, 1)
    return canvas


def moment(
    frame: Pixels,
    boxes: Mapping[str, Float[np.ndarray, "4"]],
    patch: tuple[Pixels, Float[np.ndarray, "s s"], Float[np.ndarray, "2"]],
    memory: tuple[Float[np.ndarray, "n"], int, Sequence[int]],
    title: str,
) -> Figure:
    """One frame of a tracker at work: what it saw, what it scored, what it remembers.

    Args:
        boxes: px of the frame, by role.
        patch: the search patch's pixels, scores and chosen peak, as `show_scores` takes them.
        memory: weights, number of views of the first frame and frames of the later samples, as
            `show_weights` takes them.
    """
    figure = pyplot.figure(figsize=(WIDTH, 3.9))
    grid = figure.add_gridspec(2, 2, width_ratios=(4, 3), height_ratios=(5, 3))
    show_pixels(figure.add_subplot(grid[0, 0]), frame, boxes, title)
    show_scores(figure.add_subplot(grid[0, 1]), *patch, "score map")
    show_weights(figure.add_subplot(grid[1, :]), *memory)
    return figure
