"""VOT's reset-based experiment: each frame waits for the tracker, and each failure costs a restart.

The files of one tracker lie in `<results>/<benchmark>/<tracker>/baseline/`, as in VOT's result
folders: `<sequence>/<sequence>_001.txt` for the first repetition, `_001_time.txt` for its seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks import vot
from cfkd_core.benchmarks.referee import Followed, follow
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.regions import moved
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.tracking.tracker import Tracker


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

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Followed:
        """One repetition."""
        return follow(tracker, sequence, tick=tick)

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Followed) -> None:
        """Leaves a file of regions in VOT's format and one of times."""
        write_followed(self.layout, folder, sequence, repetition, answer)


def write_followed(
    layout: store.ResultLayout, folder: Path, sequence: Sequence, repetition: int, answer: Followed
) -> None:
    """Writes the files of one repetition; the regions last, as the benchmark counts pixels."""
    store.write_times(layout.times(folder, sequence.name, repetition), answer.seconds)
    published = VotRun(moved(answer.run.regions, sequence.origin), answer.run.codes)
    vot.write_run(layout.boxes(folder, sequence.name, repetition), published)


def read_followed(
    layout: store.ResultLayout, folder: Path, sequence: Sequence, repetition: int
) -> VotRun:
    """What `write_followed` wrote, 0-based."""
    published = vot.read_run(layout.boxes(folder, sequence.name, repetition))
    return VotRun(moved(published.regions, -sequence.origin), published.codes)
