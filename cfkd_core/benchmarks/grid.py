"""Tracker x sequence x repetition: what is there is kept, the rest is run and written.

Files appear whole or not at all, and only this process writes: a run that was stopped, by Ctrl-C or
by the machine, goes on where it was.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from cfkd_core.benchmarks import results as store
from cfkd_core.benchmarks import workers
from cfkd_core.benchmarks.workers import Answer, Entrant, Execute, Job, Key, Runner
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Tracker


@dataclass(frozen=True)
class Outcome:
    """What became of one tracker on one sequence.

    Attributes:
        fps: of this run, or of the earlier one that was kept; None if it failed.
        kept: whether the files of an earlier run were there already.
        error: what stopped the tracker, None where nothing did.
    """

    tracker: str
    sequence: str
    fps: float | None
    kept: bool = False
    error: str | None = None
    repetition: int = 1


@dataclass(frozen=True)
class Present:
    """An entrant that is a tracker already, in this process; it keeps the seed it has."""

    tracker: Tracker
    seed: None = None

    @property
    def name(self) -> str:
        """The tracker's."""
        return self.tracker.name

    def build(self) -> Tracker:
        """The tracker itself."""
        return self.tracker


def sequence_seed(seed: int, sequence: str, repetition: int) -> int:
    """The seed of one run: the first 31 bits of SHA-256 of `seed/sequence/repetition`.

    So each sequence has its own random numbers, whatever else is run, in any order and anywhere.
    """
    digest = hashlib.sha256(f"{seed}/{sequence}/{repetition}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


@dataclass(frozen=True)
class Grid:
    """A run: who, on what, how, and where to.

    Attributes:
        results: the folder above the benchmark's.
        repetitions: at most so many of each.
    """

    entrants: tuple[Entrant, ...]
    sequences: tuple[Sequence, ...]
    runner: Runner
    results: Path
    benchmark: str
    repetitions: int

    def __post_init__(self) -> None:
        for what, named in (("tracker", self.entrants), ("sequence", self.sequences)):
            twice = [name for name, n in Counter(each.name for each in named).items() if n > 1]
            if twice:
                raise InputError(
                    f"{what} {twice[0]} is named twice; their files would overwrite each other"
                )
        names = {sequence.name for sequence in self.sequences}
        for name in names:
            if f"{name}_time" in names:
                raise InputError(
                    f"sequences {name} and {name}_time: the file of the first one's times would be "
                    "that of the second one's boxes; rename one"
                )
        if self.repetitions < 1:
            raise InputError(f"repetitions {self.repetitions}: at least 1")

    def folder(self, tracker: str) -> Path:
        """Where the tracker's results and their card lie."""
        return self.runner.layout.place(self.results, self.benchmark, tracker)

    def boxes(self, key: Key) -> Path:
        """The file that says that a run is done."""
        return self.runner.layout.boxes(self.folder(key.tracker), key.sequence, key.repetition)

    def done(self, key: Key) -> bool:
        """Whether a run's files are there: its boxes, and its trace where one is asked for."""
        folder, layout = self.folder(key.tracker), self.runner.layout
        trace = layout.trace(folder, key.sequence, key.repetition)
        return self.boxes(key).is_file() and (trace.is_file() or not self.runner.trace)

    def waves(self) -> Iterator[list[tuple[Entrant, Sequence, int]]]:
        """Runs that need not wait for each other; the second wave is what the first left open."""
        first = self.runner.identical or self.repetitions
        bounds = [(1, min(first, self.repetitions)), (first + 1, self.repetitions)]
        for low, high in bounds:
            yield [
                (entrant, sequence, repetition)
                for entrant in self.entrants
                for sequence in self.sequences
                for repetition in range(low, high + 1)
                if low == 1 or self._varies(entrant.name, sequence.name)
            ]

    def _varies(self, tracker: str, sequence: str) -> bool:
        """Whether the first repetitions are all there and not all the same."""
        paths = [self.boxes(Key(tracker, sequence, n + 1)) for n in range(self.runner.identical)]
        there = all(path.is_file() for path in paths)
        return there and len({path.read_bytes() for path in paths}) > 1


def run(grid: Grid, *, execute: Execute = workers.here, force: bool = False) -> list[Outcome]:
    """Runs what is not there yet and writes what `score` reads.

    A run that fails is an `Outcome` with an error, and the others have their turn.

    Args:
        execute: `workers.here`, or what `workers.processes` or `workers.cluster` gives.
        force: run anew, and replace the files; those of another configuration are deleted.

    Raises:
        InputError: before anything is run, if the files there come from another configuration of
            a tracker or from other data.
    """
    cards = _prepare(grid, force)
    outcomes = {}
    frames = {sequence.name: len(sequence) for sequence in grid.sequences}
    # disable=None: no bar where standard error is not a terminal
    with tqdm(desc=grid.benchmark, total=0, unit="frame", disable=None) as bar:
        for wave in grid.waves():
            bar.total += sum(len(sequence) for _, sequence, _ in wave)
            jobs = [_job(grid, cards, *each) for each in wave]
            for job in jobs:
                if grid.done(job.key):
                    outcomes[job.key] = _outcome(grid, job.key, kept=True)
            todo = [job for job in jobs if job.key not in outcomes]
            done = sum(frames[key.sequence] for key in outcomes)
            bar.update(done - bar.n)
            # a pool or a cluster is not troubled for nothing
            for answer in execute(todo, bar.update) if todo else ():
                outcomes[answer.key] = _keep(grid, answer)
                done += frames[answer.key.sequence]
                bar.update(done - bar.n)
                bar.set_postfix_str(f"{answer.key.tracker} {answer.key.sequence}")
    order = {key: place for place, key in enumerate(_keys(grid))}
    return [outcomes[key] for key in sorted(outcomes, key=order.__getitem__)]


def summary(outcomes: list[Outcome]) -> str:
    """A line a tracker: sequences, how many runs were kept, speed."""
    lines = []
    for tracker in dict.fromkeys(outcome.tracker for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.tracker == tracker]
        count = len({outcome.sequence for outcome in own})
        runs = f" in {len(own)} runs" if len(own) > count else ""
        kept = sum(outcome.kept for outcome in own)
        speeds = [outcome.fps for outcome in own if outcome.fps is not None]
        fps = len(speeds) / sum(1 / speed for speed in speeds) if speeds else float("nan")
        lines.append(f"{tracker}: {count} sequences{runs} ({kept} kept), {fps:.1f} FPS")
    return "\n".join(lines)


def _prepare(grid: Grid, force: bool) -> dict[str, dict]:
    """Checks every folder, then opens each; gives the trackers' own cards."""
    layout = grid.runner.layout
    prints = {each.name: store.fingerprint(each, layout) for each in grid.sequences}
    cards = {entrant.name: store.as_json(entrant.build().card) for entrant in grid.entrants}
    whole = {
        entrant.name: store.as_json(
            {"tracker": entrant.name}
            | cards[entrant.name]
            | grid.runner.card
            | ({} if entrant.seed is None else {"seeds": "seed/sequence/repetition"})
        )
        for entrant in grid.entrants
    }
    if not force:
        for name, card in whole.items():
            store.check_reusable(grid.folder(name), layout, card, prints)
    for name, card in whole.items():
        store.open_folder(grid.folder(name), layout, card, prints, force=force)
    return cards


def _job(
    grid: Grid, cards: dict[str, dict], entrant: Entrant, sequence: Sequence, repetition: int
) -> Job:
    seed = None
    if entrant.seed is not None:
        seed = sequence_seed(entrant.seed, sequence.name, repetition)
    key = Key(entrant.name, sequence.name, repetition)
    return Job(key, entrant, cards[entrant.name], seed, grid.runner, sequence)


def _keep(grid: Grid, answer: Answer) -> Outcome:
    key = answer.key
    if answer.error is not None:
        return Outcome(key.tracker, key.sequence, None, False, answer.error, key.repetition)
    sequence = next(each for each in grid.sequences if each.name == key.sequence)
    grid.runner.write(grid.folder(key.tracker), sequence, key.repetition, answer.result)
    return _outcome(grid, key, kept=False)


def _outcome(grid: Grid, key: Key, *, kept: bool) -> Outcome:
    times = grid.runner.layout.times(grid.folder(key.tracker), key.sequence, key.repetition)
    return Outcome(key.tracker, key.sequence, store.fps(times), kept, None, key.repetition)


def _keys(grid: Grid) -> Iterator[Key]:
    for entrant in grid.entrants:
        for sequence in grid.sequences:
            for repetition in range(1, grid.repetitions + 1):
                yield Key(entrant.name, sequence.name, repetition)
