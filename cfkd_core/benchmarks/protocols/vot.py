"""VOT's challenges with restarts, as they were scored then and as the toolkit scores them now.

What a sequence contributes to each number is a value and its weight, so that the number of any
choice of sequences is the weighted mean of theirs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cfkd_core.benchmarks import raster, toolkit_raster
from cfkd_core.benchmarks.protocols.protocol import Curves, Measure, at, summary
from cfkd_core.benchmarks.vot import FAILED, INITIALISED, RESTART, VotRun

BURN_IN = 10
"""Frames from an initialisation on, itself included, that accuracy leaves out."""

SENSITIVITY = 30
"""Frames that a tracker is to survive: the AR plot shows how likely that is."""

# Lengths over which the expected overlap is averaged: those that are common in the benchmark.
# Source: protocols.md 1.5.
EAO_LENGTHS = {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}

# A single number is a curve of one point, without a threshold.
_POINT = np.zeros(1)


@dataclass(frozen=True)
class Passes:
    """All repetitions of a tracker on one sequence, against its annotation.

    Attributes:
        overlaps: NaN where a frame has a code, not a region.
    """

    overlaps: Float[np.ndarray, "r t"]
    codes: Int[np.ndarray, "r t"]

    @property
    def failures(self) -> float:
        """Number of failures, mean over repetitions."""
        return float((self.codes == FAILED).sum(axis=1).mean())

    @property
    def settled(self) -> Float[np.ndarray, "r t"]:
        """Overlaps, NaN also in the first frames from each initialisation on."""
        kept = self.overlaps.copy()
        for repetition, frame in np.argwhere(self.codes == INITIALISED):
            kept[repetition, frame : frame + BURN_IN] = np.nan
        return kept


Weighed = tuple[float, float]
"""A value and its weight."""


def pooled_accuracy(found: Passes) -> Weighed:
    """Mean overlap of the frames that count, each averaged over repetitions; and their number."""
    counted = ~np.isnan(found.settled)
    used = counted.any(axis=0)
    overlaps = np.nansum(found.settled, axis=0)[used] / counted.sum(axis=0)[used]
    return (float(overlaps.mean()) if used.any() else np.nan), float(used.sum())


def sequence_accuracy(found: Passes) -> Weighed:
    """Mean over repetitions of their mean overlap, 0 where no frame counts; and the length."""
    counted = ~np.isnan(found.settled)
    means = np.nansum(found.settled, axis=1) / counted.sum(axis=1).clip(min=1)
    return float(means.mean()), float(found.codes.shape[1])


def failures_per_100(found: Passes) -> Weighed:
    """Failures in 100 frames; and the length, so that all frames weigh alike."""
    length = found.codes.shape[1]
    return 100 * found.failures / length, float(length)


def failures_per_sequence(found: Passes) -> Weighed:
    """Failures in this sequence; and its length."""
    return found.failures, float(found.codes.shape[1])


@dataclass(frozen=True)
class VotProtocol:
    """A rule for runs with restarts.

    Attributes:
        name: as commands and reports write it.
        lengths: first and last number of frames that the expected average overlap averages.
        accuracy: of one sequence, with its weight.
        robustness: of one sequence, with its weight; lower is better.
        late_failures: whether a failure too close to the end for a restart ends its fragment as a
            failure; otherwise the fragment only stops there.
        repetitions_share: whether the repetitions of a sequence together weigh as much as one.
        measures: what is read off the curves; the first one ranks.
        overlaps: regions, annotation and the image's size -> overlap of each frame.
    """

    name: str
    lengths: tuple[int, int]
    accuracy: Callable[[Passes], Weighed]
    robustness: Callable[[Passes], Weighed]
    late_failures: bool
    repetitions_share: bool
    measures: Mapping[str, Measure]
    overlaps: Callable[..., Float[np.ndarray, "t"]] = raster.overlaps

    def passes(
        self,
        runs: Iterable[VotRun],
        ground_truth: Float[np.ndarray, "t _"],
        size: tuple[int, int],
    ) -> Passes:
        """Repetitions on one sequence as overlaps and codes.

        Args:
            runs: at least one, each as long as the sequence.
            ground_truth: a region of 4 or 8 numbers a frame, as VOT annotates them.
            size: width and height of the image in px.
        """
        runs = list(runs)
        found = [self.overlaps(run.regions, ground_truth, size) for run in runs]
        return Passes(np.array(found), np.array([run.codes for run in runs]))

    def thresholds(self, longest: int) -> Curves:
        """The horizontal axis of each curve: for the expected overlap, lengths in frames.

        Args:
            longest: frames of the benchmark's longest sequence.
        """
        return {"eao": np.arange(1.0, longest + 1), "accuracy": _POINT, "robustness": _POINT}

    def curves(self, found: Passes, longest: int) -> tuple[Curves, Curves]:
        """One sequence's values, and their weights; a value without weight is NaN."""
        accuracy, frames = self.accuracy(found)
        robustness, length = self.robustness(found)
        eao, fragments = self._expected_overlap(found, longest)
        curves = {"eao": eao, "accuracy": [accuracy], "robustness": [robustness]}
        weights = {"eao": fragments, "accuracy": [frames], "robustness": [length]}
        return _arrays(curves), _arrays(weights)

    def scores(self, curves: Curves) -> dict[str, float]:
        """Named numbers of one set of curves."""
        return summary(self.measures, curves)

    def _expected_overlap(
        self, found: Passes, longest: int
    ) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
        """Mean overlap of fragments of each length from 1 on, and the fragments' weight.

        The frame of the initialisation has no overlap of its own: the mean begins at the second.
        """
        rows = [
            fragment
            for overlaps, codes in zip(found.overlaps, found.codes, strict=True)
            for fragment in fragments(overlaps, codes, longest, late_failures=self.late_failures)
        ]
        known = ~np.isnan(rows)
        sums = np.cumsum(np.nan_to_num(rows), axis=1) / np.arange(longest).clip(min=1)
        count = known.sum(axis=0)
        values = np.where(known, sums, 0).sum(axis=0) / np.where(count, count, np.nan)
        return values, count / (len(found.codes) if self.repetitions_share else 1)


def fragments(
    overlaps: Float[np.ndarray, "t"],
    codes: Int[np.ndarray, "t"],
    longest: int,
    *,
    late_failures: bool,
) -> Float[np.ndarray, "f {longest}"]:
    """A run cut at its initialisations, each piece stretched to `longest` frames.

    A piece that ended in a failure goes on with zeros: the tracker would have stayed lost. The
    other pieces go on with NaN: nobody knows. A first frame's overlap is 0.

    Args:
        late_failures: whether a failure so close to the end that no restart followed is one.
    """
    starts = np.union1d([0], np.flatnonzero(codes == INITIALISED))
    pieces = np.full((len(starts), longest), np.nan)
    for piece, start, end in zip(pieces, starts, [*starts[1:], len(codes)], strict=True):
        failed = start + np.flatnonzero(codes[start:end] == FAILED)
        if (failed + RESTART <= len(codes)).any() or (late_failures and len(failed)):
            piece[:] = 0
        piece[: end - start] = np.nan_to_num(overlaps[start:end])
        piece[0] = 0
    return pieces


def _arrays(values: Mapping[str, object]) -> Curves:
    return {name: np.asarray(each, dtype=float) for name, each in values.items()}


def _mean_over(first: int, last: int) -> Measure:
    """Mean of the expected overlap over lengths, both ends included; NaN where one is unknown."""

    def read(values: Float[np.ndarray, "*n k"]) -> Float[np.ndarray, "*n"] | np.floating:
        if values.shape[-1] < last:
            return np.full(values.shape[:-1], np.nan)
        return values[..., first - 1 : last].mean(axis=-1)

    return Measure("eao", read)


def legacy(year: int) -> VotProtocol:
    """The rule of the challenge's own MATLAB toolkit, whose numbers the thesis quotes.

    Source: protocols.md 1.5; equal to the published numbers of VOT2018's SiamRPN, 0.383, 0.586
        and 0.276 (tests/benchmarks/test_vot_oracle.py).
    """
    first, last = EAO_LENGTHS[year]
    return VotProtocol(
        name=f"vot-legacy-{year}",
        lengths=(first, last),
        accuracy=pooled_accuracy,
        robustness=failures_per_100,
        late_failures=False,
        repetitions_share=True,
        measures={
            "eao": _mean_over(first, last),
            "accuracy": at("accuracy", 0),
            "robustness": at("robustness", 0),
            "reliability": Measure(
                "robustness", lambda values: np.exp(-SENSITIVITY / 100 * values[..., 0])
            ),
        },
    )


def toolkit(year: int) -> VotProtocol:
    """The rule of vot-toolkit 0.9.0, with its own overlaps.

    Source: protocols.md 1.5; votchallenge/toolkit, vot/analysis/supervised.py and vot/region.
    """
    # the toolkit takes the challenge's numbers as indices, and its first length, 1, has index 0
    first, last = (length + 1 for length in EAO_LENGTHS[year])
    return VotProtocol(
        name=f"vot-toolkit-0.9-{year}",
        lengths=(first, last),
        accuracy=sequence_accuracy,
        robustness=failures_per_sequence,
        late_failures=True,
        repetitions_share=False,
        measures={
            "eao": _mean_over(first, last),
            "accuracy": at("accuracy", 0),
            "robustness": at("robustness", 0),
        },
        overlaps=toolkit_raster.overlaps,
    )


VOT_PROTOCOLS = {
    protocol.name: protocol for year in EAO_LENGTHS for protocol in (legacy(year), toolkit(year))
}
