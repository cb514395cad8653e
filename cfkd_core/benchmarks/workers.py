"""Where runs happen: here, in processes beside this one, or on a dask cluster.

The three take the same jobs and give the same answers, in any order. A tracker has one thread
everywhere, so that neither its boxes nor its speed depend on the machine's cores or on what runs
beside it.
"""

import asyncio
import concurrent.futures
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import cv2
import joblib
import torch
from joblib.externals.loky.process_executor import BrokenProcessPool

from cfkd_core.benchmarks.results import ResultLayout, as_json
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Tracker

if TYPE_CHECKING:
    from dask.distributed import Client

# Seconds until a scheduler that does not answer, or has no workers, is given up.
PATIENCE = 10


@runtime_checkable
class Entrant(Protocol):
    """Stands for a tracker until one is needed."""

    @property
    def name(self) -> str:
        """The tracker's."""

    @property
    def seed(self) -> int | None:
        """Of the whole run; each sequence and repetition gets its own from it.

        None where the tracker that `build` gives is to be taken as it is.
        """

    def build(self) -> Tracker:
        """The tracker, in this process."""


@runtime_checkable
class Runner(Protocol):
    """One way of running a tracker on a sequence."""

    @property
    def layout(self) -> ResultLayout:
        """Where the results lie, and on what they depend."""

    @property
    def card(self) -> dict:
        """What decides the answers besides tracker and data."""

    @property
    def repetitions(self) -> int:
        """How often, where the caller does not say."""

    @property
    def identical(self) -> int:
        """After so many equal repetitions there are no more; 0 for never."""

    @property
    def trace(self) -> bool:
        """Whether score and status of each frame are written, too."""

    def run(self, tracker: Tracker, sequence: Sequence, tick: Callable[[], None]) -> Any:
        """What `write` can write; calls `tick` once an image."""

    def write(self, folder: Path, sequence: Sequence, repetition: int, answer: Any) -> None:
        """Leaves the files of one repetition in `folder`, boxes last."""


class Key(NamedTuple):
    """Names one run."""

    tracker: str
    sequence: str
    repetition: int


@dataclass(frozen=True)
class Job:
    """All that one run needs; travels to other processes.

    Attributes:
        card: of the tracker as it was where the job was made; the one that is built must have it.
        seed: for this run; None leaves the tracker as it is.
    """

    key: Key
    entrant: Entrant
    card: dict
    seed: int | None
    runner: Runner
    sequence: Sequence


class Answer(NamedTuple):
    """What became of a job.

    Attributes:
        result: what the runner gave; None if it failed.
        error: what stopped it; None if nothing did.
    """

    key: Key
    result: object
    error: str | None = None


Execute = Callable[[list[Job], Callable[[], None]], Iterator[Answer]]


def perform(job: Job, tick: Callable[[], None] = lambda: None) -> Answer:
    """Does one job. Whatever fails in it is its answer: the others must have their turn."""
    try:
        tracker = job.entrant.build()
        if as_json(tracker.card) != job.card:
            raise InputError(
                f"the worker's {job.entrant.name} is not the one of this run: "
                "give it the same weights and versions"
            )
        if job.seed is not None:
            tracker.seed = job.seed  # type: ignore[attr-defined]  # an entrant's seed is its tracker's
        with one_thread():
            return Answer(job.key, job.runner.run(tracker, job.sequence, tick))
    except Exception as error:
        return Answer(job.key, None, str(error) or type(error).__name__)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch and OpenCV compute on a single thread."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def here(jobs: list[Job], tick: Callable[[], None]) -> Iterator[Answer]:
    """One job after the other, in this process."""
    for job in jobs:
        yield perform(job, tick)


def processes(count: int) -> Execute:
    """`count` jobs at a time, each in a process of its own on this machine."""

    def execute(jobs: list[Job], tick: Callable[[], None]) -> Iterator[Answer]:
        # a job is seconds long: handing out several at once would only leave workers idle
        with joblib.parallel_config("loky", inner_max_num_threads=1, initializer=_leave_interrupts):
            pool = joblib.Parallel(count, return_as="generator_unordered", batch_size=1)
            left = {job.key for job in jobs}
            try:
                for answer in pool(joblib.delayed(perform)(job) for job in jobs):
                    left.remove(answer.key)
                    yield answer
            except BrokenProcessPool:
                reason = "a worker process died (no memory?); run again to go on"
                yield from (Answer(job.key, None, reason) for job in jobs if job.key in left)

    return execute


def _leave_interrupts() -> None:
    """Ctrl-C reaches the whole group of processes; the one that was started deals with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def cluster(address: str) -> Execute:
    """As many jobs at a time as a dask cluster has threads.

    Workers need this package, and the data at the same paths as here; results come back here.

    Args:
        address: of the scheduler, such as tcp://10.0.0.1:8786.
    """

    def execute(jobs: list[Job], tick: Callable[[], None]) -> Iterator[Answer]:
        try:
            from dask.distributed import Client
        except ImportError:
            raise InputError("--scheduler needs dask: pip install 'cfkd[cluster]'") from None
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"scheduler {address}: no answer ({error}); is it running?") from None
        # what went wrong is said here; dask logs the tracebacks of its connections
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        with client:
            if not _has_workers(client):
                raise InputError(
                    f"scheduler {address}: has no workers; start some, `dask worker {address}`, "
                    "and run again"
                )
            yield from _gather(client, jobs, address)

    return execute


def _has_workers(client: "Client") -> bool:
    """Whether the cluster has a worker, or gets one within `PATIENCE`."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except OSError:  # a timeout, or a scheduler that has gone
        return False
    return True


_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)


def _gather(client: "Client", jobs: list[Job], address: str) -> Iterator[Answer]:
    """The jobs' answers; those of a cluster that dies on the way are errors."""
    from dask.distributed import wait

    left = {client.submit(perform, job, pure=False): job.key for job in jobs}
    reason = ""
    while left and not reason:
        done = set()
        try:
            with client.as_current():
                done = wait(list(left), timeout=PATIENCE, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            if not _has_workers(client):
                reason = "its workers are gone"
        except _CANCELLED:
            reason = "it died, or lost its jobs"
        for future in done:
            if future.status == "cancelled":
                reason = "it died, or lost its jobs"
                break
            key, failure = left.pop(future), future.exception()
            yield Answer(key, None, _first_line(failure)) if failure else future.result()
    error = f"scheduler {address}: {reason}; start it again and run again to go on"
    yield from (Answer(key, None, error) for key in left.values())


def _first_line(failure: BaseException) -> str:
    return (str(failure).strip() or type(failure).__name__).splitlines()[0]


def choose(jobs: int, scheduler: str | None) -> Execute:
    """Here for one job, processes for several, a cluster where there is a scheduler."""
    if scheduler is not None:
        return cluster(scheduler)
    if jobs < 1:
        raise InputError(f"jobs {jobs}: at least 1")
    return here if jobs == 1 else processes(jobs)
