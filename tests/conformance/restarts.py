"""VOT's rules for one sequence, a frame and a fragment at a time; overlaps are given."""

import itertools
import math


def burnt_in(overlaps, codes):
    """Overlaps that accuracy counts: none in ten frames from each initialisation on."""
    kept = list(overlaps)
    for start, code in enumerate(codes):
        if code == 1:
            for frame in range(start, min(start + 10, len(codes))):
                kept[frame] = math.nan
    return kept


def pooled_accuracy(runs):
    """MATLAB: each frame's mean over repetitions, then the mean over frames; and their number."""
    means = []
    for frame in zip(*(burnt_in(overlaps, codes) for overlaps, codes in runs), strict=True):
        known = [value for value in frame if not math.isnan(value)]
        if known:
            means.append(sum(known) / len(known))
    return (sum(means) / len(means) if means else math.nan), len(means)


def sequence_accuracy(runs):
    """vot-toolkit: the mean over repetitions of their means, 0 where nothing counts."""
    means = []
    for overlaps, codes in runs:
        known = [value for value in burnt_in(overlaps, codes) if not math.isnan(value)]
        means.append(sum(known) / len(known) if known else 0.0)
    return sum(means) / len(means), len(runs[0][1])


def zero_for_nan(values):
    return [0.0 if math.isnan(value) else value for value in values]


def matlab_fragments(overlaps, codes):
    """estimate_expected_overlap.m, with its indices from 1."""
    frames = len(codes)
    failures = [i for i in range(1, frames + 1) if codes[i - 1] == 2]
    points = [1, *(failure + 5 for failure in failures if failure + 5 <= frames)]
    found = []
    for start, end in itertools.pairwise(points):
        found.append((zero_for_nan(overlaps[start - 1 : end]), 0.0, 1.0))
    return [*found, (zero_for_nan(overlaps[points[-1] - 1 :]), math.nan, 1.0)]


def pysot_fragments(overlaps, codes):
    """eao_benchmark.py, with its indices from 0."""
    frames = len(codes)
    failures = [i for i in range(frames) if codes[i] == 2]
    points = [0, *(failure + 5 for failure in failures if failure + 5 <= frames)]
    found = []
    for start, end in itertools.pairwise(points):
        weight = len(range(start, min(end + 1, frames))) / (end - start + 1)
        found.append((zero_for_nan(overlaps[start : end + 1]), 0.0, weight))
    last = zero_for_nan(overlaps[points[-1] :])
    return [*found, (last, math.nan, 1.0 if last else 0.0)]


def toolkit_fragments(overlaps, codes):
    """supervised.py: from each initialisation to its failure, or to the end."""
    starts = [i for i, code in enumerate(codes) if code == 1]
    failures = [i for i, code in enumerate(codes) if code == 2]
    if not failures:
        return [(zero_for_nan(overlaps), math.nan, 1.0)]
    found = [
        (zero_for_nan(overlaps[start:end]), 0.0, 1.0)
        for start, end in zip(starts, failures, strict=False)
    ]
    if len(starts) > len(failures):
        found.append((zero_for_nan(overlaps[starts[-1] :]), math.nan, 1.0))
    return found


def expected_overlap(runs, fragments, longest):
    """Value and weight at each length from 1 on; NaN where no fragment is so long."""
    pieces = [piece for overlaps, codes in runs for piece in fragments(overlaps, codes)]
    rows = [(kept + [rest] * (longest - len(kept)), weight) for kept, rest, weight in pieces]
    values, weights = [], []
    for length in range(1, longest + 1):
        usable = [(row, weight) for row, weight in rows if not math.isnan(row[length - 1])]
        weights.append(sum(weight for _, weight in usable))
        means = [weight * sum(row[1:length]) / max(1, length - 1) for row, weight in usable]
        values.append(sum(means) / weights[-1] if weights[-1] else math.nan)
    return values, weights
