"""How far a score would move with other sequences of the same kind: resampling them.

A benchmark is a sample of videos. Drawn again with replacement, its sequences give another score;
the spread of many such scores is the uncertainty that a table of single numbers hides. Two
trackers are compared on the same draws, so that a sequence which is hard for both counts for
neither.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993: percentile intervals.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Float

from cfkd_core.benchmarks.protocols import measures
from cfkd_core.benchmarks.report import Report, SequenceScore
from cfkd_core.errors import InputError

RESAMPLES = 2000
"""Of these, 50 lie beyond each end of a 95 % interval."""


def confidence(
    report: Report, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """One row a score: its value, and the interval that holds the share `level` of the draws.

    A row of NaN is a score that some draw leaves undefined. A single sequence has no interval, NaN.
    """
    draws = _draws(len(report.sequences), resamples, seed)
    found = _resampled(report.sequences, report.protocol, report.scores, draws)
    return pd.DataFrame(
        {
            name: {"value": report.scores[name]} | _interval(values, level, len(report.sequences))
            for name, values in found.items()
        }
    ).T


def compare(
    first: Report,
    second: Report,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a score: how much higher `first` is, the interval, and the share of draws above 0.

    Only sequences that both have are drawn, and each draw is the same for both. With one sequence
    every draw is the same: it has no interval and no share, but NaN.

    Raises:
        InputError: if the two are of different protocols or benchmarks, or share no sequence.
    """
    if (first.protocol, first.benchmark) != (second.protocol, second.benchmark):
        raise InputError(
            f"{first.tracker} has {first.benchmark} by {first.protocol}, {second.tracker} "
            f"{second.benchmark} by {second.protocol}; score both alike to compare them"
        )
    pairs = _common(first, second)
    draws = _draws(len(pairs), resamples, seed)
    whole = np.ones((1, len(pairs)))
    both = [[pair[i] for pair in pairs] for i in range(2)]
    rows = {}
    for name in first.scores:
        drawn, point = (
            np.subtract(*(_resampled(each, first.protocol, [name], weights)[name] for each in both))
            for weights in (draws, whole)
        )
        # a tie is half a win
        above = float(np.mean((drawn > 0) + (drawn == 0) / 2)) if len(pairs) > 1 else np.nan
        interval = _interval(drawn, level, len(pairs))
        rows[name] = {"difference": float(point[0]), **interval, "above": above}
    return pd.DataFrame(rows).T


def _common(first: Report, second: Report) -> list[tuple[SequenceScore, SequenceScore]]:
    others = {each.name: each for each in second.sequences}
    pairs = [(each, others[each.name]) for each in first.sequences if each.name in others]
    if not pairs:
        raise InputError(f"{first.tracker} and {second.tracker} have no sequence in common")
    return pairs


def _draws(sequences: int, resamples: int, seed: int) -> Float[np.ndarray, "r s"]:
    """How often each sequence is in each resample."""
    shares = np.full(sequences, 1 / sequences)
    return np.random.default_rng(seed).multinomial(sequences, shares, resamples).astype(float)


def _resampled(
    sequences: Iterable[SequenceScore],
    protocol: str,
    scores: Iterable[str],
    draws: Float[np.ndarray, "r s"],
) -> dict[str, Float[np.ndarray, "r"]]:
    """Each score in each resample: read off the weighted mean curves of all resamples at once."""
    sequences = tuple(sequences)
    wanted = {name: measures(protocol)[name] for name in scores}
    curves = {}
    for name in {measure.curve for measure in wanted.values()}:
        values = np.array([each.curves[name] for each in sequences])
        weights = np.array([each.weight(name) for each in sequences])
        total = draws @ weights
        summed = draws @ np.nan_to_num(values * weights)
        curves[name] = summed / np.where(total > 0, total, np.nan)
    return {
        name: np.asarray(measure.read(curves[measure.curve])) for name, measure in wanted.items()
    }


def _interval(values: Float[np.ndarray, "r"], level: float, sequences: int) -> dict[str, float]:
    if sequences < 2:
        return {"low": np.nan, "high": np.nan}
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return {"low": float(low), "high": float(high)}
