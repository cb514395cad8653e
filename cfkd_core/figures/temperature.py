"""What a temperature does: to the exponential, to a distribution, to what a student learns."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfkd_core.figures.style import ROLES, WIDTH


def exponentials(temperatures: Sequence[float], band: tuple[float, float]) -> Figure:
    """exp(x / T) left of zero, whole and in a band far from it, one line a temperature.

    Args:
        band: ends of the part that is shown again on the right.

    Source: the idea of thesis Fig. 1.3, p. 12.
    """
    figure, panels = pyplot.subplots(1, 2, figsize=(WIDTH, 2.6), width_ratios=(3, 2))
    for axes, ends in zip(panels, ((band[0], 0.0), band), strict=True):
        x = np.linspace(*ends, 201)
        for colour, dash, temperature in zip(
            ROLES.values(), ("-", "--", "-.", ":"), temperatures, strict=False
        ):
            name = f"$T={temperature:g}$"
            axes.plot(x, np.exp(x / temperature), color=colour, linestyle=dash, label=name)
        axes.set(xlabel="$x$", xlim=ends, ylim=(0, None))
    panels[0].axvspan(*band, color="grey", alpha=0.2, linewidth=0)
    panels[0].set_ylabel("exp($x$ / $T$)")
    panels[1].set_title("the grey part")
    panels[0].legend(loc="upper left")
    return figure


def targets(
    axes: Axes, shares: Float[np.ndarray, "k"], names: Sequence[str], title: str = ""
) -> None:
    """A distribution over classes as bars, the largest in the teacher's colour."""
    colours = [ROLES["teacher"] if i == shares.argmax() else ROLES["thesis"]
               for i in range(len(shares))]  # fmt: skip
    axes.bar(range(len(shares)), shares, color=colours)
    axes.set_xticks(range(len(shares)), names)
    axes.set(ylim=(0, 1), title=title)
    axes.tick_params(bottom=False)


def learnt(
    axes: Axes,
    temperatures: Sequence[float],
    runs: Mapping[str, Float[np.ndarray, "t s"]],
    chosen: float | None = None,
) -> None:
    """A result at each temperature, one line a name: mean, and a band of one standard deviation.

    Args:
        runs: name -> per cent at each temperature, of each seed.
        chosen: temperature that is marked.
    """
    roles = dict(zip(runs, ("student", "prediction", "ours"), strict=False))
    for (name, values), dash in zip(runs.items(), ("-", "--", "-."), strict=False):
        colour = ROLES[roles[name]]
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axes.fill_between(temperatures, mean - spread, mean + spread, color=colour, alpha=0.2)
        axes.plot(temperatures, mean, dash, color=colour, marker="o", markersize=4, label=name)
    if chosen is not None:
        axes.axvline(chosen, color="grey", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    axes.set_xticks(temperatures, [f"{each:g}" for each in temperatures])
    axes.minorticks_off()
    axes.set(xlabel="temperature", ylabel="right, %")
    axes.legend(loc="best")


def judged(
    axes: Axes, truth: Float[np.ndarray, "n"], said: Mapping[str, Float[np.ndarray, "n"]]
) -> None:
    """What networks say of boxes against what is true, on the scale 2 IoU − 1."""
    axes.plot([-1, 1], [-1, 1], color="grey", linewidth=0.8, zorder=0)
    for (role, values), mark in zip(said.items(), ("o", "s"), strict=False):
        axes.plot(truth, values, mark, color=ROLES[role], markersize=4, alpha=0.6, label=role)
    axes.set(xlabel="label: $2 \\cdot \\mathrm{IoU} - 1$", ylabel="predicted", xlim=(-1, 1))
    axes.legend(loc="upper left")
