"""The same answers from here, from processes and from a cluster, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cfkd_core.benchmarks import grid, workers
from cfkd_core.benchmarks.grid import Grid, Present
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.benchmarks.reset import WithRestarts
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError
from cfkd_core.tracking.recipe import TrackerRecipe

NAMES = ("syn_fast_coin", "syn_far_coin", "syn_spin_badge")


def files(folder):
    """Content of cards and boxes; the times differ from run to run."""
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix in {".txt", ".json"})
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if not path.stem.endswith("_time")
    }


def plan(results: Path, length: int = 20, broken: bool = False) -> Grid:
    """Two trackers on three short films, one of them perhaps with its target out of sight."""
    films = synthetic_sequences(NAMES, length)
    if broken:
        films[1] = replace(films[1], boxes=films[1].boxes + 5_000)
    entrants = (TrackerRecipe("mosse", seed=2), TrackerRecipe("kcf"))
    return Grid(entrants, tuple(films), OnePass(), results, "toy", repetitions=2)


def test_processes_write_what_one_writes(tmp_path):
    grid.run(plan(tmp_path / "here"))
    outcomes = grid.run(plan(tmp_path / "there"), execute=workers.processes(2))
    assert files(tmp_path / "there") == files(tmp_path / "here")
    assert len(files(tmp_path / "here")) == 2 * (1 + 3 * 2)
    assert [outcome.sequence for outcome in outcomes[:3]] == [NAMES[0], NAMES[0], NAMES[1]]


@pytest.mark.parametrize("execute", [workers.here, workers.processes(2)])
def test_a_failing_sequence_leaves_the_rest_their_turn(tmp_path, execute):
    outcomes = grid.run(plan(tmp_path, broken=True), execute=execute)
    failed = {(each.tracker, each.sequence) for each in outcomes if each.error is not None}
    assert failed == {("mosse", NAMES[1]), ("kcf", NAMES[1])}
    assert all("outside the frame" in each.error for each in outcomes if each.error)
    done = [path.stem for path in (tmp_path / "toy/kcf").glob("*.txt")]
    assert {NAMES[0], NAMES[2]} <= set(done)
    assert NAMES[1] not in done


def test_a_worker_with_another_tracker_is_refused(tmp_path):
    """As a cluster's worker that has other weights, or another version."""
    job = workers.Job(
        key=workers.Key("kcf", NAMES[0], 1),
        entrant=TrackerRecipe("kcf"),
        card={"seed": 0, "opencv": "0.0"},
        seed=1,
        runner=OnePass(),
        sequence=synthetic_sequences(NAMES[:1], 3)[0],
    )
    answer = workers.perform(job)
    assert "not the one of this run" in answer.error


def test_a_dead_worker_is_reported():
    """As one that the machine ends for want of memory."""
    doomed = SimpleNamespace(name="doomed", seed=None, build=partial(os._exit, 1))
    (film,) = synthetic_sequences(NAMES[:1], 3)
    keys = [workers.Key("doomed", film.name, n) for n in (1, 2, 3)]
    jobs = [workers.Job(key, doomed, {}, None, OnePass(), film) for key in keys]
    answers = list(workers.processes(2)(jobs, lambda: None))
    assert sorted(answer.key for answer in answers) == keys
    assert all("a worker process died" in answer.error for answer in answers)


def test_trackers_have_one_thread_and_others_get_theirs_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with workers.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_where_by_options():
    assert workers.choose(1, None) is workers.here
    with pytest.raises(InputError, match="jobs 0: at least 1"):
        workers.choose(0, None)


def start(results: Path, *args: str) -> subprocess.Popen:
    """The command, in a process group of its own."""
    command = ["run", "--benchmark", "synthetic", "--trackers", "mosse", "--results", str(results)]
    return subprocess.Popen(
        [sys.executable, "-m", "cfkd_core", *command, *args],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def wait_for(results: Path, count: int, process: subprocess.Popen) -> None:
    """Until so many sequences are done."""
    for _ in range(6000):
        done = [path for path in results.rglob("*.txt") if not path.stem.endswith("_time")]
        if len(done) >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("nothing was written in five minutes")


@pytest.mark.parametrize(
    ("blow", "code"),
    [(signal.SIGKILL, -9), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_a_stopped_run_leaves_whole_files_and_goes_on(tmp_path, blow, code):
    process = start(tmp_path, "--jobs", "2")
    wait_for(tmp_path, 3, process)
    os.killpg(process.pid, blow)
    _, err = process.communicate()
    assert process.returncode == code
    assert blow == signal.SIGKILL or err.endswith("stopped\n")
    films = synthetic_sequences()
    folder = tmp_path / "synthetic" / "mosse"
    done = {path.stem: path.read_text() for path in folder.glob("syn_*.txt")}
    done = {name: text for name, text in done.items() if not name.endswith("_time")}
    assert 3 <= len(done) < len(films)
    for film in films:
        if film.name in done:
            assert done[film.name].count("\n") == len(film)
            assert (folder / f"{film.name}_time.txt").read_text().count("\n") == len(film)
    rest = [film for film in films if film.name not in done][:2]
    again = tuple(film for film in films if film.name in done) + tuple(rest)
    entrants = (TrackerRecipe("mosse"),)
    outcomes = grid.run(Grid(entrants, again, OnePass(), tmp_path, "synthetic", 1))
    assert [outcome.kept for outcome in outcomes] == [True] * len(done) + [False] * 2
    assert {name: (folder / f"{name}.txt").read_text() for name in done} == done
    fresh = tmp_path / "fresh"
    grid.run(Grid(entrants, tuple(again[:1]), OnePass(), fresh, "synthetic", 1))
    assert (fresh / f"synthetic/mosse/{again[0].name}.txt").read_text() == done[again[0].name]


@pytest.mark.slow
def test_a_cluster_writes_what_one_process_writes(tmp_path):
    distributed = pytest.importorskip("dask.distributed")
    grid.run(plan(tmp_path / "here"))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        execute = workers.cluster(cluster.scheduler_address)
        grid.run(plan(tmp_path / "there"), execute=execute)
        outcomes = grid.run(plan(tmp_path / "broken", broken=True), execute=execute)
    assert files(tmp_path / "there") == files(tmp_path / "here")
    assert {each.sequence for each in outcomes if each.error} == {NAMES[1]}


def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch):
    pytest.importorskip("dask.distributed")
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    with pytest.raises(InputError, match=r"scheduler tcp://127\.0\.0\.1:9: no answer"):
        grid.run(plan(tmp_path), execute=workers.cluster("tcp://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("runner", "lengths"), [(OnePass(), (1_000, 10_000)), (WithRestarts(), (100, 400))]
)
def test_memory_does_not_grow_with_the_video(tmp_path, still_film, scripted, runner, lengths):
    """A frame has 230 kB; what a run keeps of it are a box, a score and a time."""

    def peak(length: int) -> int:
        film = replace(still_film(length), name=f"of_{length}")
        film = replace(film, frames=type(film.frames)(length, (240, 320)))
        tracker = Present(scripted(lambda t: [10.0, 10.0, 8.0, 8.0]))
        plan = Grid((tracker,), (film,), runner, tmp_path, "toy", 1)
        tracemalloc.start()
        (outcome,) = grid.run(plan)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert outcome.error is None
        return found

    peak(10)
    short, long = lengths
    assert (peak(long) - peak(short)) / (long - short) < 1_000, "bytes a frame"


@pytest.fixture
def scheduler():
    """A dask scheduler without workers, in a process of its own, and its address."""
    pytest.importorskip("dask.distributed")
    code = (
        "import asyncio; from dask.distributed import Scheduler\n"
        "async def main():\n"
        "    async with Scheduler(port=0, dashboard_address=None, host='127.0.0.1') as scheduler:\n"
        "        print(scheduler.address, flush=True)\n"
        "        await scheduler.finished()\n"
        "asyncio.run(main())"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_a_scheduler_without_workers_is_named(tmp_path, monkeypatch, scheduler):
    monkeypatch.setattr(workers, "PATIENCE", 2)
    _, address = scheduler
    with pytest.raises(InputError, match=f"scheduler {address}: has no workers; start some, `dask"):
        grid.run(plan(tmp_path), execute=workers.cluster(address))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what dask says of a connection that broke
@pytest.mark.parametrize("victim", ["scheduler", "worker"])
def test_a_cluster_that_dies_is_reported_for_every_run(monkeypatch, scheduler, victim):
    monkeypatch.setattr(workers, "PATIENCE", 4)
    process, address = scheduler
    code = (
        "import asyncio; from dask.distributed import Worker\n"
        "async def main():\n"
        f"    async with Worker('{address}', nthreads=1, dashboard_address=None) as worker:\n"
        "        await worker.finished()\n"
        "asyncio.run(main())"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    (film,) = synthetic_sequences(NAMES[:1], 3)
    slow = SimpleNamespace(name="slow", seed=None, build=partial(time.sleep, 600))
    keys = [workers.Key("slow", film.name, n) for n in (1, 2)]
    jobs = [workers.Job(key, slow, {}, None, OnePass(), film) for key in keys]
    dead = process if victim == "scheduler" else worker
    try:
        threading.Timer(8, dead.kill).start()
        answers = list(workers.cluster(address)(jobs, lambda: None))
    finally:
        worker.kill()
        worker.wait()
    assert sorted(answer.key for answer in answers) == keys
    reason = "it died, or lost its jobs" if victim == "scheduler" else "its workers are gone"
    for answer in answers:
        assert (
            answer.error == f"scheduler {address}: {reason}; start it again and run again to go on"
        )
