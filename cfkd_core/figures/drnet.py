"""Overview of the DRNet tracker, drawn from the shapes that its modules gave."""

from collections.abc import Mapping

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from cfkd_core.figures.style import ROLES, WIDTH

Shape = tuple[int, ...]

_FIRST, _NOW, _ONLINE = 0.0, 2.6, 5.2  # columns: the first frame, this frame, what learns online
_HALF = (1.1, 0.36)  # of a box's width and height


def overview(shapes: Mapping[str, Shape], backbone: str) -> Figure:
    """The modules of DRNet from top to bottom, with the size of what flows between them.

    Args:
        shapes: of "patch", "block3", "block4", "modulation" (one of its two vectors), "search"
            (the head's features of block 3), "offsets" and "scores", without the batch.
        backbone: its name for people.

    Source: the idea of thesis Fig. 4.2, p. 43.
    Differs: the head takes the classifier's box and gives offsets from it, as the author's code
        does (The original, exactly, section 1.5); the thesis draws neither.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 5.6))
    patch, blocks = _words(shapes["patch"]), _words(shapes["block3"], shapes["block4"])
    for column, title, role in (
        (_FIRST, "first frame, with its box", "ground_truth"),
        (_NOW, "this frame", "student"),
    ):
        _box(axes, column, 0.0, f"{title}\n{patch}", role)
        _box(axes, column, -1.5, backbone, "teacher")
        _down(axes, column, 0.0, -1.5)
        _box(axes, column, -3.0, f"blocks 3 and 4\n{blocks}", "thesis")
        _down(axes, column, -1.5, -3.0)
    _across(axes, _FIRST, _NOW, -1.5, "the same", arrow=False)
    _box(axes, _FIRST, -4.5, f"target branch:\n2 vectors of {shapes['modulation'][0]}", "teacher")
    _down(axes, _FIRST, -3.0, -4.5)
    _box(axes, _NOW, -4.5, f"search branch\n{_words(shapes['search'])}, …", "teacher")
    _down(axes, _NOW, -3.0, -4.5)
    _box(axes, _ONLINE, -3.0, "classifier:\nlearns online", "prediction")
    _across(axes, _NOW, _ONLINE, -3.0, "block 4")
    _box(axes, _ONLINE, -4.5, f"score map\n{_words(shapes['scores'])}", "thesis")
    _down(axes, _ONLINE, -3.0, -4.5)
    _box(axes, _ONLINE, -6.0, "place of the peak,\nold width and height", "prediction")
    _down(axes, _ONLINE, -4.5, -6.0)
    _box(axes, _NOW, -6.0, "box head", "teacher")
    _down(axes, _NOW, -4.5, -6.0)
    _across(axes, _ONLINE, _NOW, -6.0, "1 box")
    _corner(axes, -4.5, -6.0)
    _box(axes, _NOW, -7.5, f"{shapes['offsets'][-1]} offsets:\nthe box", "student")
    _down(axes, _NOW, -6.0, -7.5)
    axes.set(xlim=(_FIRST - 1.2, _ONLINE + 1.2), ylim=(-8, 0.5))
    axes.set_axis_off()
    return figure


def _words(*shapes: Shape) -> str:
    return "\n".join(" × ".join(map(str, (*shape[1:], shape[0])[: len(shape)])) for shape in shapes)


def _box(axes: Axes, x: float, y: float, words: str, role: str) -> None:
    width, height = _HALF
    high = height + 0.14 * max(words.count("\n") - 1, 0)
    axes.add_patch(
        FancyBboxPatch(
            (x - width, y - high),
            *(2 * width, 2 * high),
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=(ROLES[role], 0.2),
            edgecolor=ROLES[role],
        )
    )
    axes.text(x, y, words, ha="center", va="center", fontsize=8.5, linespacing=1.15)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle=style, mutation_scale=9, shrinkA=0, shrinkB=0)
    )


def _down(axes: Axes, x: float, start: float, end: float) -> None:
    _arrow(axes, (x, start - 0.55), (x, end + 0.55), "-|>")


def _across(
    axes: Axes, start: float, end: float, y: float, words: str, *, arrow: bool = True
) -> None:
    """A line between two boxes of one row, with a word above it."""
    side = _HALF[0] + 0.03 if end > start else -_HALF[0] - 0.03
    _arrow(axes, (start + side, y), (end - side, y), "-|>" if arrow else "-")
    axes.text((start + end) / 2, y + 0.54, words, ha="center", va="bottom", fontsize=8)


def _corner(axes: Axes, start: float, end: float) -> None:
    """From the target branch down and into the head."""
    axes.plot([_FIRST, _FIRST], [start - 0.55, end], color="black", linewidth=1)
    _arrow(axes, (_FIRST, end), (_NOW - _HALF[0] - 0.03, end), "-|>")
    axes.text((_FIRST + _NOW) / 2 - 0.5, end + 0.1, "times", ha="center", va="bottom", fontsize=8)
