"""How many claims came out in which way, part by part."""

from collections.abc import Mapping

from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfkd_core.figures.style import ROLES, WIDTH

_LOOKS = {"reproduced": "ground_truth", "contradicted": "student", "undecidable": "thesis"}


def verdict_bars(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """A bar for each part, with a piece for each verdict; the number of claims stands in it.

    Args:
        counts: part -> verdict -> number of claims.
    """
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.0 + 0.4 * len(counts)))
    for height, found in zip(range(len(counts), 0, -1), counts.values(), strict=True):
        left = 0
        for verdict, role in _LOOKS.items():
            count = found.get(verdict, 0)
            axes.barh(height, count, left=left, color=(ROLES[role], 0.35), edgecolor=ROLES[role])
            if count:
                axes.text(left + count / 2, height, str(count), ha="center", va="center")
            left += count
    for verdict, role in _LOOKS.items():
        axes.barh([0], [0], color=(ROLES[role], 0.35), edgecolor=ROLES[role], label=verdict)
    axes.set_yticks(range(len(counts), 0, -1), counts)
    axes.set(xlabel="claims", ylim=(0.4, len(counts) + 0.6))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside upper right", ncols=3)
    return figure
