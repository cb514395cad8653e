"""VOT's challenges with restarts, as they were scored then and as the toolkit scores them now.

What a sequence contributes to each number is a value and its weight, so that the number of any
choice of sequences is the weighted mean of theirs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

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
# Source: STVIR/pysot (d04028f), toolkit/evaluation/eao_benchmark.py.
EAO_LENGTHS = {2016: (108, 371), 2017: (100, 356), 2018: (100, 356), 2019: (46, 291)}

# A single number is a curve of one point, without a threshold.
_POINT = np.zeros(1)


@dataclass(frozen=True)
class Passes:
    """All repetitions of a tracker on one sequence, against its annotation.

    Attributes:
        overlaps: NaN where a frame has a code, not a region.
        accuracy_overlaps: those of which accuracy is the mean, where it takes others.
    """

    overlaps: Float[np.ndarray, "r t"]
    codes: Int[np.ndarray, "r t"]
    accuracy_overlaps: Float[np.ndarray, "r t"] | None = None

    @property
    def failures(self) -> float:
        """Number of failures, mean over repetitions."""
        return float((self.codes == FAILED).sum(axis=1).mean())

    @property
    def settled(self) -> Float[np.ndarray, "r t"]:
        """Overlaps that accuracy counts: NaN also in the burn-in from each initialisation on."""
        counted = self.overlaps if self.accuracy_overlaps is None else self.accuracy_overlaps
        kept = counted.copy()
        for repetition, frame in np.argwhere(self.codes == INITIALISED):
            kept[repetition, frame : frame + BURN_IN] = np.nan
        return kept


Weighed = tuple[float, float]
"""A value and its weight."""

Overlaps = Callable[..., Float[np.ndarray, "t"]]
"""(regions, annotation, size of the image) -> overlap of each frame."""

Fragments = tuple[Float[np.ndarray, "f k"], Float[np.ndarray, "f"]]
"""Overlaps of the fragments of a run, stretched to the longest sequence, and their weights."""


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
        fragments: (overlaps, codes, frames of the longest sequence) of one run -> its fragments,
            each stretched to that length, and their weights.
        repetitions_share: whether the repetitions of a sequence together weigh as much as one.
        measures: what is read off the curves; the first one ranks.
        overlaps: of which the expected overlap is made.
        accuracy_overlaps: of which accuracy is.
    """

    name: str
    lengths: tuple[int, int]
    accuracy: Callable[[Passes], Weighed]
    robustness: Callable[[Passes], Weighed]
    fragments: Callable[[Float[np.ndarray, "t"], Int[np.ndarray, "t"], int], Fragments]
    repetitions_share: bool
    measures: Mapping[str, Measure]
    overlaps: Overlaps
    accuracy_overlaps: Overlaps

    def passes(
        self,
        runs: Iterable[VotRun],
        ground_truth: Float[np.ndarray, "t _"],
        size: tuple[int, int],
    ) -> Passes:
        """Repetitions on one sequence as overlaps and codes.

        Args:
            runs: at least one, each as long as the sequence.
            ground_truth: a rectangle or region a frame, in 4 or 8 columns (`datasets.regions`).
            size: width and height of the image in px.
        """
        runs = list(runs)
        codes = np.array([run.codes for run in runs])
        found, counted = (
            np.array([compute(run.regions, ground_truth, size) for run in runs])
            for compute in (self.overlaps, self.accuracy_overlaps)
        )
        return Passes(found, codes, counted)

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
        cut = [
            self.fragments(overlaps, codes, longest)
            for overlaps, codes in zip(found.overlaps, found.codes, strict=True)
        ]
        rows, weights = (np.concatenate(each) for each in zip(*cut, strict=True))
        known = weights[:, None] * ~np.isnan(rows)
        means = np.cumsum(np.nan_to_num(rows), axis=1) / np.arange(longest).clip(min=1)
        total = known.sum(axis=0)
        values = (known * means).sum(axis=0) / np.where(total > 0, total, np.nan)
        return values, total / (len(found.codes) if self.repetitions_share else 1)


def legacy_fragments(
    overlaps: Float[np.ndarray, "t"], codes: Int[np.ndarray, "t"], longest: int
) -> Fragments:
    """Cut a run five frames after each failure, as MATLAB's toolkit does.

    A fragment that ended in a failure goes on with zeros: the tracker would have stayed lost. The
    last one goes on with NaN: nobody knows. A failure that leaves no frame for a restart, the one
    five frames before the end among them, does not end its fragment.

    Source: votchallenge/vot-toolkit (6987d85), analysis/estimate_expected_overlap.m.
    Differs: a frame without annotation in a run without failures counts as 0; there, it makes the
        curve NaN from there on. No annotation of VOT lacks one.
    """
    failures = np.flatnonzero(codes == FAILED)
    ends = [int(failure) + RESTART for failure in failures if failure + RESTART < len(codes)]
    pieces = _stretched(overlaps, [0, *ends], longest)
    return pieces, np.ones(len(pieces))


def pysot_fragments(
    overlaps: Float[np.ndarray, "t"], codes: Int[np.ndarray, "t"], longest: int
) -> Fragments:
    """Cut a run as PySOT does, which translated MATLAB's rule without its first index, 1.

    A failure five frames before the end does end its fragment, of L frames, in zeros; but the frame
    of the restart, which would be the one after the last, is missing in the weight, L / (L + 1).
    The empty fragment behind it has none.

    Source: STVIR/pysot (d04028f), toolkit/evaluation/eao_benchmark.py, _calculate_eao.
    """
    failures = np.flatnonzero(codes == FAILED)
    ends = [int(failure) + RESTART for failure in failures if failure + RESTART <= len(codes)]
    pieces = _stretched(overlaps, [0, *ends], longest)
    weights = np.ones(len(pieces))
    if ends and ends[-1] == len(codes):
        length = len(codes) - [0, *ends][-2]
        weights[-2:] = length / (length + 1), 0
    return pieces, weights


def _stretched(
    overlaps: Float[np.ndarray, "t"], starts: list[int], longest: int
) -> Float[np.ndarray, "f {longest}"]:
    """Pieces from each start to the next; all but the last go on with zeros, that one with NaN."""
    pieces = np.zeros((len(starts), longest))
    pieces[-1] = np.nan
    for piece, start, end in zip(pieces, starts, [*starts[1:], len(overlaps)], strict=True):
        piece[: end - start] = np.nan_to_num(overlaps[start:end])
    return pieces


def toolkit_fragments(
    overlaps: Float[np.ndarray, "t"], codes: Int[np.ndarray, "t"], longest: int
) -> Fragments:
    """Cut a run at its initialisations, as vot-toolkit 0.9 does.

    A fragment with a failure in it goes on with zeros however late that was, others with NaN.

    Source: votchallenge/toolkit 0.9.0, vot/analysis/supervised.py, EAOCurve and compute_eao_curve.
    """
    starts = np.union1d([0], np.flatnonzero(codes == INITIALISED))
    pieces = np.full((len(starts), longest), np.nan)
    for piece, start, end in zip(pieces, starts, [*starts[1:], len(codes)], strict=True):
        if (codes[start:end] == FAILED).any():
            piece[:] = 0
        piece[: end - start] = np.nan_to_num(overlaps[start:end])
    return pieces, np.ones(len(pieces))


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
    """Make the rule of the challenge's own MATLAB toolkit, whose numbers the thesis quotes.

    Three places surprise:

    - A failure that leaves no frame for a restart, from five frames before the end on, is one for
      robustness, but its fragment of the expected overlap goes on as if the sequence had ended.
    - Accuracy cuts regions to [width, height], one pixel more than the expected overlap, which
      cuts them to [width, height] - 1.
    - Accuracy is the mean over all frames that count, of all sequences together, each frame first
      averaged over repetitions; robustness is failures in 100 frames.

    A rectangle goes from x to x + w (`raster.overlaps`), in every year. Since 17 April 2019
    (vot-toolkit bb7e7ca) it ends at x + w - 1 in MATLAB. Which of the two made VOT2019's official
    table is open: `vot-legacy-2019` follows the earlier one, as PySOT does.

    Source: votchallenge/vot-toolkit (6987d85, MATLAB), analysis/estimate_expected_overlap.m,
        estimate_accuracy.m and analyze_accuracy_robustness.m; equal to the published numbers of
        VOT2018's SiamRPN, 0.383, 0.586 and 0.276 (tests/benchmarks/test_vot_oracle.py).
    Differs: a length that no fragment has is NaN; there, it counts as 0.
    """
    return _challenge(f"vot-legacy-{year}", EAO_LENGTHS[year], legacy_fragments, share=True)


def pysot(year: int) -> VotProtocol:
    """Make the rule of PySOT's port of the MATLAB toolkit, with which most papers report EAO.

    As `legacy` but for two places that surprise:

    - A failure five frames before the end (`pysot_fragments`): it alone moves an EAO by .003.
    - All runs weigh alike, however many repetitions a sequence has.

    Source: STVIR/pysot (d04028f), toolkit/evaluation/eao_benchmark.py and ar_benchmark.py.
    Differs: PySOT keeps the curve in float32. It reads 15 repetitions or one; here all count.
    """
    return _challenge(f"vot-pysot-{year}", EAO_LENGTHS[year], pysot_fragments, share=False)


def _challenge(
    name: str,
    lengths: tuple[int, int],
    fragments: Callable[[Float[np.ndarray, "t"], Int[np.ndarray, "t"], int], Fragments],
    *,
    share: bool,
) -> VotProtocol:
    return VotProtocol(
        name=name,
        lengths=lengths,
        accuracy=pooled_accuracy,
        robustness=failures_per_100,
        fragments=fragments,
        repetitions_share=share,
        measures={
            "eao": _mean_over(*lengths),
            "accuracy": at("accuracy", 0),
            "robustness": at("robustness", 0),
            "reliability": Measure(
                "robustness", lambda values: np.exp(-SENSITIVITY / 100 * values[..., 0])
            ),
        },
        overlaps=raster.overlaps,
        accuracy_overlaps=partial(raster.overlaps, margin=1),
    )


def toolkit(year: int) -> VotProtocol:
    """Make the rule of vot-toolkit 0.9.0, with its own overlaps.

    Three places surprise:

    - The expected overlap is averaged over the challenge's lengths plus one: the toolkit takes
      them as indices, and its first length, 1, has index 0.
    - A late failure is one, however close to the end.
    - Accuracy is the mean over sequences, weighed by their lengths, of each one's mean, 0 where no
      frame counts; robustness is failures in a sequence, weighed likewise. Rectangles are cut to
      other pixels than in the challenges (`toolkit_raster.overlaps`).

    Source: votchallenge/toolkit 0.9.0 (PyPI, vot-toolkit), vot/analysis/supervised.py and
        vot/region/raster.py.
    Differs: the toolkit keeps the curve in float32.
    """
    first, last = (length + 1 for length in EAO_LENGTHS[year])
    return VotProtocol(
        name=f"vot-toolkit-0.9-{year}",
        lengths=(first, last),
        accuracy=sequence_accuracy,
        robustness=failures_per_sequence,
        fragments=toolkit_fragments,
        repetitions_share=False,
        measures={
            "eao": _mean_over(first, last),
            "accuracy": at("accuracy", 0),
            "robustness": at("robustness", 0),
        },
        overlaps=toolkit_raster.overlaps,
        accuracy_overlaps=toolkit_raster.overlaps,
    )


VOT_PROTOCOLS = {
    protocol.name: protocol
    for year in EAO_LENGTHS
    for protocol in (legacy(year), pysot(year), toolkit(year))
}
