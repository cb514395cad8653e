"""VOT's reset-based experiment: each frame waits for the tracker, and each failure costs a restart.

The files of one tracker lie in `<results>/<benchmark>/<tracker>/baseline/`, as in VOT's result
folders: `<sequence>/<sequence>_001.txt` for the first repetition, `_001_time.txt` for its seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks import vot
from cfkd_core.benchmarks.referee import Followed, follow
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.regions import moved
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.tracking.tracker import Tracker


class Traced(NamedTuple):
    """A run with restarts, and what the tracker said of its answers."""

    followed: Followed
    trace: store.Trace


Answer = Followed | Traced


def traced(run: Callable[..., Followed], sequence: Sequence, wanted: bool) -> Answer:
    """What `run` gives, a `follow` that lacks its `watch`; with a trace if that is wanted."""
    if not wanted:
        return run()
    trace = store.Trace.of(len(sequence))
    return Traced(run(watch=trace.note), trace)


@dataclass(frozen=True)
class WithRestarts:
    """The runner of the reset-based experiment.

    Source: 15 repetitions, no more than 3 of a tracker that always answers alike:
        votchallenge/vot-toolkit (6987d85), experiment/experiment_supervised.m.
    """

    layout: store.ResultLayout = store.LAYOUTS["reset"]
    card: dict = field(default_factory=lambda: {"experiment": "reset"})
    repetitions: int = 15
    identical: int = 3
    trace: bool = False

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Any:
        """One repetition: `Followed`, or `Traced` where a trace is asked for."""
        return traced(partial(follow, tracker, sequence, tick=tick), sequence, self.trace)

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Answer) -> None:
        """Leaves files of regions in VOT's format and of times, and a trace if there is one."""
        write_followed(self.layout, folder, sequence, repetition, answer)


def write_followed(
    layout: store.ResultLayout, folder: Path, sequence: Sequence, repetition: int, answer: Answer
) -> None:
    """Writes the files of one repetition; the regions last, as the benchmark counts pixels."""
    if isinstance(answer, Traced):
        store.write_trace(layout.trace(folder, sequence.name, repetition), answer.trace)
        answer = answer.followed
    store.write_times(layout.times(folder, sequence.name, repetition), answer.seconds)
    published = VotRun(moved(answer.run.regions, sequence.origin), answer.run.codes)
    vot.write_run(layout.boxes(folder, sequence.name, repetition), published)


def read_followed(
    layout: store.ResultLayout, folder: Path, sequence: Sequence, repetition: int
) -> VotRun:
    """What `write_followed` wrote, 0-based."""
    published = vot.read_run(layout.boxes(folder, sequence.name, repetition))
    return VotRun(moved(published.regions, -sequence.origin), published.codes)
