"""What a referee writes down: restarts, fragments, and a clock that runs on."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfkd_core.benchmarks.vot import FAILED, INITIALISED, SKIPPED
from cfkd_core.figures.style import ROLES, WIDTH


def record(
    axes: Axes,
    overlaps: Float[np.ndarray, "t"],
    codes: Int[np.ndarray, "t"],
    counted: Float[np.ndarray, "t"],
) -> None:
    """One run with restarts: overlap of each frame, starts, failures, and what does not count.

    Args:
        counted: the overlaps again, NaN where accuracy leaves a frame out.
    """
    frames = np.arange(len(codes))
    for frame in np.flatnonzero(codes == SKIPPED):
        axes.axvspan(frame - 0.5, frame + 0.5, color="grey", alpha=0.25, linewidth=0)
    axes.plot(frames, overlaps, color=ROLES["prediction"], linewidth=1, alpha=0.6)
    axes.plot(
        frames, counted, color=ROLES["prediction"], linewidth=2.4, label="counts for accuracy"
    )
    marks = ((INITIALISED, "^", "ground_truth", "start"), (FAILED, "X", "student", "failure"))
    for code, mark, role, name in marks:
        places = np.flatnonzero(codes == code)
        axes.plot(places, np.zeros(len(places)), mark, color=ROLES[role], clip_on=False, label=name)
    axes.set(xlabel="frame", ylabel="overlap", ylim=(0, 1), xlim=(-1, len(codes)))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)


def fragments(pieces: Float[np.ndarray, "f k"], expected: Float[np.ndarray, "k"]) -> Figure:
    """Runs cut at their starts, one row each, above the expected overlap of each length.

    Args:
        pieces: overlaps; 0 after a failure, NaN where nobody knows.
        expected: mean overlap by length, from length 1 on.
    """
    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(WIDTH, 4.0), sharex=True, height_ratios=(3, 2)
    )
    lengths = np.arange(1, pieces.shape[1] + 1)
    edges = (0.5, pieces.shape[1] + 0.5, len(pieces), 0)
    image = above.imshow(
        np.ma.masked_invalid(pieces), vmin=0, vmax=1, extent=edges, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    above.set(ylabel="fragment", yticks=[])
    figure.colorbar(image, ax=above, label="overlap", shrink=0.8)
    below.plot(lengths[1:], expected[1:], color=ROLES["prediction"])
    below.set(xlabel="length, frames", ylabel="expected\noverlap", ylim=(0, 1))
    return figure


def clock(
    axes: Axes, seen: Int[np.ndarray, "s"], made: Int[np.ndarray, "t"], title: str = ""
) -> None:
    """Which images were looked at, and from which image the box in each frame is.

    Args:
        seen: the images that were shown.
        made: for each frame, the image that its box was made from.
    """
    frames = np.arange(len(made))
    axes.plot(frames, frames, color="grey", linewidth=0.8)
    axes.step(frames, made, where="mid", color=ROLES["student"])
    axes.fill_between(frames, made, frames, step="mid", color=ROLES["student"], alpha=0.2)
    shown = seen[seen < len(made)]
    axes.plot(shown, shown, "o", color=ROLES["teacher"], markersize=5)
    axes.set(xlabel="frame", ylabel="image its box is from", title=title)


def by_latency(
    axes: Axes,
    latencies: Sequence[float],
    scores: Mapping[str, Sequence[float]],
    chosen: tuple[str, float] | None = None,
) -> None:
    """A score at each latency, one line a rule.

    Args:
        latencies: milliseconds of an answer.
        chosen: rule and latency that are marked.
    """
    for (rule, values), role, dash in zip(
        scores.items(), ("prediction", "ours"), ("-", "--"), strict=False
    ):
        axes.plot(latencies, values, dash, color=ROLES[role], marker="o", markersize=3, label=rule)
        if chosen and rule == chosen[0]:
            value = values[list(latencies).index(chosen[1])]
            axes.plot(chosen[1], value, "o", color=ROLES[role], markersize=9)
    axes.set(xlabel="an answer takes, ms", ylabel="expected overlap", ylim=(0, None))
    axes.legend(loc="best")
