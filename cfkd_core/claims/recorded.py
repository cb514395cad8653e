"""Claims on scores and frame rates, decided by the runs recorded with the project."""

from functools import cache
from typing import cast

import numpy as np

from cfkd_core.benchmarks import look_alikes, records
from cfkd_core.benchmarks.report import Report
from cfkd_core.claims.finding import Finding, Verdict, decided
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.tracking.load import load_tracker, trained
from cfkd_core.tracking.online import OnlineTracker

_VERDICTS: dict[str, Verdict] = {"held": "reproduced", "contradicted": "contradicted"}


@cache
def _pooled(tracker: str) -> Report | None:
    return records.pooled(tracker)


def ordering(better: str, worse: str, score: str = "success_auc") -> Finding:
    """Whether one tracker scores higher than another, by paired resampling of the sequences."""
    found = records.ordering((better, worse), (_pooled(better), _pooled(worse)), score)
    if found.outcome == "not run":
        missing = [name for name in (better, worse) if _pooled(name) is None]
        return Finding("undecidable", f"no recorded run of {' and '.join(missing)}")
    name = score.replace("_", " ").replace("auc", "AUC")
    return Finding(
        _VERDICTS.get(found.outcome, "undecidable"),
        f"{100 * found.difference:+.1f} points of {name} on {found.sequences} "
        f"sequences, 95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}",
    )


def _speed(tracker: str) -> float | None:
    """Frames per second of the recorded runs, the slowest of the seeds."""
    speeds = [report.fps for report in records.runs(tracker).values() if report.fps]
    return min(speeds, default=None)


def real_time(tracker: str, fps: float) -> Finding:
    """Whether the recorded runs of a tracker were as fast as a video."""
    found = _speed(tracker)
    if found is None:
        return Finding("undecidable", f"no timed run of {tracker}")
    return decided(
        found >= fps, f"{found:.0f} frames a second on one thread in the slowest recorded run"
    )


def times_faster(student: str, teacher: str, times: float) -> Finding:
    """How many times faster one tracker's recorded runs are than another's."""
    ours, theirs = _speed(student), _speed(teacher)
    if ours is None or theirs is None:
        missing = [n for n, s in ((student, ours), (teacher, theirs)) if s is None]
        return Finding("undecidable", f"no timed run of {' and '.join(missing)}")
    ratio = ours / theirs
    return decided(
        ratio >= times,
        f"{ours:.0f} against {theirs:.0f} frames a second: {ratio:.1f} times",
    )


def loses_at_most(student: str, teacher: str, percent: float) -> Finding:
    """Whether a student scores at most so many per cent less than its teacher, whole interval."""
    ours, theirs = _pooled(student), _pooled(teacher)
    if ours is None or theirs is None:
        missing = [n for n, r in ((student, ours), (teacher, theirs)) if r is None]
        return Finding("undecidable", f"no recorded run of {' and '.join(missing)}")
    found = records.ordering((student, teacher), (ours, theirs), "success_auc")
    allowed = -percent / 100 * theirs.scores["success_auc"]
    words = (
        f"{100 * found.difference:+.1f} points, 95 % interval {100 * found.low:+.1f} to "
        f"{100 * found.high:+.1f}; {100 * allowed:.1f} would be allowed"
    )
    if found.low >= allowed:
        return Finding("reproduced", words)
    return Finding("contradicted" if found.high < allowed else "undecidable", words)


def fewer_rivals(robust: str, other: str, every: int) -> Finding:
    """Whether one backbone's correlation map has lower rivals on the films with look-alikes."""
    missing = [name for name in (robust, other) if name not in trained()]
    if missing:
        return Finding("undecidable", f"no weights of {' and '.join(missing)}")
    films = synthetic_sequences(["syn_clutter_cup", "syn_clutter_coin", "syn_clutter_face"])
    heights = [
        look_alikes.rivals(cast(OnlineTracker, load_tracker(name)).net.backbone, films, every)
        for name in (robust, other)
    ]
    lower = int((heights[0] < heights[1]).sum())
    count = len(heights[0])
    words = (
        f"lower in {lower} of {count} frames; median height "
        f"{np.median(heights[0]):.2f} against {np.median(heights[1]):.2f} of the target's"
    )
    # a sign test at 5 %: two standard deviations from a half
    margin = np.sqrt(count)
    if abs(2 * lower - count) < 2 * margin:
        return Finding("undecidable", words)
    return decided(2 * lower > count, words)


def not_at_hand(what: str) -> Finding:
    """For claims that only data or a machine could decide of which there is nothing here."""
    return Finding("undecidable", what)


CHECKS = (
    ordering,
    real_time,
    times_faster,
    loses_at_most,
    fewer_rivals,
    not_at_hand,
)
