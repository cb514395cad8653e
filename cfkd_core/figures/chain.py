"""Plain networks, one map after the other, drawn from records of their layers."""

from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from cfkd_core.figures.style import ROLES, WIDTH
from cfkd_core.models.anatomy import Layer, Shape

_PITCH = 1.0
_MOST_SHEETS = 4
_WORDS = {"convolution": "conv", "pooling": "pool", "full": "full"}


def chain(layers: Sequence[Layer], roles: Sequence[str], copies: Sequence[str] = ()) -> Figure:
    """A network's maps from left to right, with the layer that made each.

    A map is a stack of sheets, as large as it has cells; a vector is a bar.

    Args:
        roles: in `style.ROLES`, the colour of what each layer gives.
        copies: names of the copies of the last layer, where there are several; empty for one.

    Source: the idea of thesis Fig. 1.2, p. 9, and Fig. 2.1, p. 16.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 2.5))
    shapes = [layers[0].before, *(layer.after for layer in layers)]
    side = max(shape[1] for shape in shapes)
    for index, (shape, role) in enumerate(zip(shapes, ["thesis", *roles], strict=True)):
        place = _PITCH * index
        if index:
            _layer(axes, place - _PITCH / 2, layers[index - 1])
        if copies and index == len(layers):
            _copies(axes, place, copies, ROLES[role])
        else:
            _map(axes, place, shape, side, ROLES[role])
        axes.text(place, -0.72, _size(shape), ha="center", va="top", fontsize=8.5)
    axes.set(xlim=(-0.55, _PITCH * len(layers) + 0.55), ylim=(-1.25, 1.2), aspect="equal")
    axes.set_axis_off()
    return figure


def _layer(axes: Axes, place: float, layer: Layer) -> None:
    """What is done between two maps."""
    kernel = f"\n{layer.kernel}×{layer.kernel}" if layer.kernel else ""
    words = f"{_WORDS[layer.kind]}{kernel}"
    axes.text(place, 0.72, words, ha="center", va="bottom", fontsize=8.5, linespacing=1.1)
    arrow = FancyArrowPatch(
        (place - 0.13, 0.62), (place + 0.13, 0.62), arrowstyle="-|>", mutation_scale=7,
        shrinkA=0, shrinkB=0, color="black", linewidth=0.8,
    )  # fmt: skip
    axes.add_patch(arrow)


def _map(axes: Axes, place: float, shape: Shape, largest: int, colour: str) -> None:
    """Sheets of one map, one behind the other; a bar for a vector."""
    channels, side, _ = shape
    if side == 1:
        height = min(1.0, 0.25 + 0.1 * channels.bit_length())
        _sheet(axes, (place, 0.0), 0.14, height, colour)
        return
    # areas shrink so fast that the last maps would vanish
    width = 0.16 + 0.44 * (side / largest) ** 0.5
    count = min(channels, _MOST_SHEETS)
    for sheet in reversed(range(count)):
        shift = 0.06 * (sheet - (count - 1) / 2)
        _sheet(axes, (place + shift, shift), width, width, colour)


def _copies(axes: Axes, place: float, names: Sequence[str], colour: str) -> None:
    """Small bars above each other, one for each copy of a layer."""
    pitch = 1.1 / len(names)
    for index, name in enumerate(names):
        y = 0.5 - pitch * (index + 0.5)
        if name == "…":
            axes.text(place - 0.1, y, "⋮", ha="center", va="center")
            continue
        _sheet(axes, (place - 0.1, y), 0.14, 0.75 * pitch, colour)
        axes.text(place + 0.06, y, name, ha="left", va="center", fontsize=8.5)


def _sheet(
    axes: Axes, centre: tuple[float, float], width: float, height: float, colour: str
) -> None:
    corner = centre[0] - width / 2, centre[1] - height / 2
    axes.add_patch(
        Rectangle(corner, width, height, facecolor=(colour, 0.35), edgecolor=colour, linewidth=0.8)
    )


def _size(shape: Shape) -> str:
    channels, rows, columns = shape
    return f"{channels}" if rows == 1 else f"{channels}\n{rows}×{columns}"
