"""What a protocol is: boxes to curves, and curves to named numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Curves = Mapping[str, Float[np.ndarray, "*n _"]]
"""Values at a protocol's thresholds, by the curve's name; one row for each way to weigh them."""


@dataclass(frozen=True)
class Measure:
    """A number that a curve is summed up by.

    Attributes:
        curve: its name.
        read: the curve's values, thresholds last -> the number.
    """

    curve: str
    read: Callable[[Float[np.ndarray, "*n k"]], Float[np.ndarray, "*n"] | np.floating]


def mean(curve: str) -> Measure:
    """The plain mean of a curve's values: the toolkits' area under it."""
    return Measure(curve, lambda values: values.mean(axis=-1))


def at(curve: str, index: int) -> Measure:
    """The value at one threshold, named by its index."""
    return Measure(curve, lambda values: values[..., index])


def trapezoid(curve: str) -> Measure:
    """The area under a curve of evenly spaced thresholds by the trapezoid rule, 1 at the most."""
    return Measure(curve, lambda values: ((values[..., 1:] + values[..., :-1]) / 2).mean(axis=-1))


def summary(measures: Mapping[str, Measure], curves: Curves) -> dict[str, float]:
    """The numbers that `measures` read off one set of curves."""
    return {name: float(each.read(curves[each.curve])) for name, each in measures.items()}


def alike(visible: Bool[np.ndarray, "t"]) -> float:
    """The weight of a sequence where all sequences weigh alike."""
    return 1.0


def cut_or_padded(
    predicted: Float[np.ndarray, "n 4"], frames: int, padding: float = 0.0
) -> Float[np.ndarray, "{frames} 4"]:
    """Exactly `frames` boxes; those that are missing are made of `padding`."""
    missing = np.full((max(0, frames - len(predicted)), 4), padding)
    return np.concatenate([predicted[:frames], missing])


@dataclass(frozen=True)
class Protocol:
    """The rule of one benchmark that is run once from start to end.

    Attributes:
        name: as commands and reports write it.
        thresholds: the horizontal axis of each curve, by the curve's name.
        curves: (predicted, ground truth, visible) of one sequence -> its curves. Boxes are those
            that the benchmark publishes, counted from where it counts its pixels.
        measures: what is read off the curves, of a sequence or their mean; the first one ranks.
        weight: (visible) of a sequence -> its weight in the mean.
        longer: whether a result with more boxes than frames is scored; if not, it is an error.
        shorter: the same of one with fewer.
        cuts: whether `curves` takes the size of the image, too, and cuts all boxes to it.
    """

    name: str
    thresholds: Curves
    curves: Callable[..., Curves]
    measures: Mapping[str, Measure]
    weight: Callable[[Bool[np.ndarray, "t"]], float] = alike
    longer: bool = False
    shorter: bool = False
    cuts: bool = False

    def takes(self, boxes: int, frames: int) -> bool:
        """Whether a result of so many boxes is scored on a sequence of so many frames."""
        return boxes == frames or (self.longer if boxes > frames else self.shorter)

    def scores(self, curves: Curves) -> dict[str, float]:
        """Named numbers of one set of curves."""
        return summary(self.measures, curves)
