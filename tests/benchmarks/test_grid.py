"""What is run, what is kept, and what is refused."""

import errno
import json
import multiprocessing
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import jaxtyping
import numpy as np
import pytest

from cfkd_core.benchmarks import grid, results, stored
from cfkd_core.benchmarks.grid import Grid, sequence_seed
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.benchmarks.reset import WithRestarts
from cfkd_core.datasets.sequence import ImageFiles, NumberedImages
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Prediction


class Dice:
    """Its box is a little off, as its seed has it; counts how often it is started."""

    name = "dice"

    def __init__(self):
        self.seed, self.starts, self.seeds = 0, 0, []

    @property
    def card(self):
        return {"seed": self.seed}

    def init(self, frame, box):
        self.starts += 1
        self.seeds.append(self.seed)
        self.box = np.asarray(box, float)
        self.generator = np.random.default_rng(self.seed)

    def update(self, frame):
        shift = self.generator.uniform(-3, 3, 2)
        return Prediction(self.box + np.array([*shift, 0, 0]), 1.0, "normal")


@dataclass(frozen=True)
class Recipe:
    """Gives the tracker it has, which takes the seeds of the grid."""

    tracker: object
    seed: int = 0
    name: str = "dice"

    def build(self):
        self.tracker.seed = self.seed
        return self.tracker


@pytest.fixture
def films(still_film):
    return (replace(still_film(10), name="a"), replace(still_film(12), name="b"))


@pytest.fixture
def plan(tmp_path, films):
    """A function: options -> a grid of one tracker on two films."""

    def make(tracker=None, seed=0, runner=None, repetitions=1, sequences=films) -> Grid:
        entrants = (Recipe(tracker or Dice(), seed),)
        return Grid(entrants, sequences, runner or OnePass(), tmp_path, "toy", repetitions)

    return make


def files(folder):
    """Content of every result file, times left out."""
    paths = (path for path in sorted(folder.rglob("*.txt")) if not path.stem.endswith("_time"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_seeds_differ_by_run_sequence_and_repetition_and_stay():
    seeds = {sequence_seed(seed, name, n) for seed in (0, 1) for name in ("a", "b") for n in (1, 2)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)
    # SHA-256 of "0/a/1" begins with 699f66ce
    assert sequence_seed(0, "a", 1) == int("699f66ce", 16) >> 1


def test_a_sequence_has_its_numbers_whatever_else_is_run(tmp_path, plan, films):
    grid.run(plan())
    both = files(tmp_path)
    grid.run(plan(sequences=films[1:]), force=True)
    assert files(tmp_path) == both
    tracker = Dice()
    grid.run(plan(tracker, seed=1), force=True)
    assert files(tmp_path) != both
    assert tracker.seeds == [sequence_seed(1, "a", 1), sequence_seed(1, "b", 1)]


def test_repetitions_lie_apart_and_are_kept_one_by_one(tmp_path, plan):
    grid.run(plan())
    first = files(tmp_path)
    tracker = Dice()
    outcomes = grid.run(plan(tracker, repetitions=3))
    assert [(each.sequence, each.repetition, each.kept) for each in outcomes] == [
        ("a", 1, True), ("a", 2, False), ("a", 3, False),
        ("b", 1, True), ("b", 2, False), ("b", 3, False),
    ]  # fmt: skip
    assert tracker.starts == 4
    found = files(tmp_path)
    assert sorted(found) == [
        "toy/dice/a.txt", "toy/dice/b.txt",
        "toy/dice/repetition_002/a.txt", "toy/dice/repetition_002/b.txt",
        "toy/dice/repetition_003/a.txt", "toy/dice/repetition_003/b.txt",
    ]  # fmt: skip
    assert first.items() <= found.items()
    assert len(set(found.values())) == 6
    assert grid.summary(outcomes).startswith("dice: 2 sequences in 6 runs (2 kept), ")


def test_the_report_has_their_mean_and_spread(tmp_path, plan, films):
    grid.run(plan(repetitions=3))
    (together,) = stored.score("toy", list(films), tmp_path, protocol="otb")
    single = []
    for n, folder in enumerate(("", "repetition_002", "repetition_003")):
        alone = tmp_path / f"alone{n}" / "toy" / "dice"
        alone.mkdir(parents=True)
        for path in (tmp_path / "toy/dice" / folder).glob("*.txt"):
            (alone / path.name).write_bytes(path.read_bytes())
        (report,) = stored.score("toy", list(films), tmp_path / f"alone{n}", protocol="otb")
        assert (report.repetitions, report.spread) == (1, {})
        single.append(report.scores["success_auc"])
    assert together.repetitions == 3
    assert together.scores["success_auc"] == pytest.approx(np.mean(single))
    assert together.spread["success_auc"] == pytest.approx(np.std(single, ddof=1))
    assert together.spread["success_auc"] > 0


def test_a_missing_repetition_is_incomplete(tmp_path, plan, films):
    grid.run(plan(repetitions=2))
    (tmp_path / "toy/dice/repetition_002/b.txt").unlink()
    with pytest.raises(InputError, match=r"1 of 2 sequences missing or incomplete \(b\)"):
        stored.score("toy", list(films), tmp_path, protocol="otb")
    (partly,) = stored.score("toy", list(films), tmp_path, protocol="otb", partial=True)
    assert (partly.missing, partly.repetitions, partly.spread) == ((), 2, {})


def test_restarts_repeat_until_three_are_alike(tmp_path, plan, films, scripted):
    """A tracker without chance is run three times, another one as often as asked."""
    steady = scripted(lambda t: [10.0, 10.0, 8.0, 8.0])
    outcomes = grid.run(plan(steady, runner=WithRestarts(), repetitions=15))
    assert len(outcomes) == 6
    assert len(steady.inits) == 6
    again = scripted(lambda t: [10.0, 10.0, 8.0, 8.0])
    outcomes = grid.run(plan(again, runner=WithRestarts(), repetitions=15))
    assert (len(outcomes), again.inits) == (6, []), "and a second run knows so"
    (report,) = stored.score(
        "toy", list(films), tmp_path, protocol="vot-legacy-2018", experiment="reset"
    )
    assert (report.repetitions, report.spread["accuracy"]) == (3, 0.0)
    assert report.scores["accuracy"] == pytest.approx(1.0)
    outcomes = grid.run(plan(Dice(), runner=WithRestarts(), repetitions=5), force=True)
    assert len(outcomes) == 10


def test_chance_asks_for_all_repetitions_where_it_plays_a_part(tmp_path, plan, films):
    class LateDice(Dice):
        """Throws in the eleventh frame, which the shorter film does not have."""

        def init(self, frame, box):
            super().init(frame, box)
            self.updates = 0

        def update(self, frame):
            self.updates += 1
            if self.updates == 11:
                return super().update(frame)
            return Prediction(self.box, 1.0, "normal")

    outcomes = grid.run(plan(LateDice(), runner=WithRestarts(), repetitions=5))
    assert [each.sequence for each in outcomes] == ["a"] * 3 + ["b"] * 5
    (report,) = stored.score(
        "toy", list(films), tmp_path, protocol="vot-toolkit-0.9-2018", experiment="reset"
    )
    assert report.repetitions == 5
    (tmp_path / "toy/dice/baseline/b/b_005.txt").unlink()
    (tmp_path / "toy/dice/baseline/b/b_004.txt").unlink()
    (tmp_path / "toy/dice/baseline/a/a_002.txt").unlink()
    (tmp_path / "toy/dice/baseline/a/a_003.txt").unlink()
    with pytest.raises(InputError, match=r"1 of 2 sequences missing or incomplete \(a\)"):
        stored.score(
            "toy", list(films), tmp_path, protocol="vot-toolkit-0.9-2018", experiment="reset"
        )


def test_restarts_lie_as_in_vots_folders(tmp_path, plan, films):
    grid.run(plan(runner=WithRestarts(), repetitions=1))
    assert sorted(files(tmp_path)) == [
        "toy/dice/baseline/a/a_001.txt", "toy/dice/baseline/b/b_001.txt"
    ]  # fmt: skip
    grid.run(plan())
    assert "toy/dice/a.txt" in files(tmp_path), "one pass lies beside it"
    lines = (tmp_path / "toy/dice/baseline/a/a_001.txt").read_text().splitlines()
    assert (lines[0], len(lines), lines[1].count(",")) == ("1", 10, 3)
    card = json.loads((tmp_path / "toy/dice/baseline/tracker.json").read_text())
    assert (card["experiment"], card["seeds"]) == ("reset", "seed/sequence/repetition")


def refused(plan, sequences, match):
    with pytest.raises(InputError, match=match):
        grid.run(plan(sequences=sequences))
    with pytest.raises(InputError, match=match):
        stored.score("toy", list(sequences), plan().results, protocol="otb", partial=True)


def test_results_on_other_data_are_neither_kept_nor_scored(tmp_path, plan, films):
    grid.run(plan())
    a, b = films
    moved = a.boxes.copy()
    moved[0] += 1
    refused(plan, (replace(a, boxes=moved), b), r"a\.txt: starts from another box")
    shorter = replace(b, frames=list(b.frames)[:11], boxes=b.boxes[:11], visible=b.visible[:11])
    refused(plan, (a, shorter), r"b\.txt: 12 boxes for a sequence of 11 frames")
    dark = replace(a, frames=[255 - frame for frame in a.frames])
    refused(plan, (dark, b), r"a\.txt: tracked on other images")
    assert len(stored.score("toy", [a, b], tmp_path, protocol="otb")) == 1
    # later boxes are not told to a tracker that runs in one pass: they may be corrected
    corrected = a.boxes.copy()
    corrected[5:] += 1
    assert grid.run(plan(sequences=(replace(a, boxes=corrected), b)))[0].kept
    grid.run(plan(runner=WithRestarts()))
    with pytest.raises(InputError, match=r"a_001\.txt: .* or is told other boxes later"):
        grid.run(plan(runner=WithRestarts(), sequences=(replace(a, boxes=corrected), b)))


def test_results_that_no_card_vouches_for_are_not_kept(tmp_path, plan, films):
    """As of a run that another program left under the same card."""
    grid.run(plan(sequences=films[:1]))
    folder = tmp_path / "toy/dice"
    (folder / "b.txt").write_text("10,10,8,8\n" * 12)
    refused(plan, films, r"b\.txt: tracker\.json does not say on which data")


def test_image_files_are_known_by_their_bytes(tmp_path, plan, films, monkeypatch):
    (tmp_path / "images").mkdir()
    paths = [tmp_path / "images" / f"{t}.png" for t in range(10)]
    for path, frame in zip(paths, films[0].frames, strict=True):
        cv2.imwrite(str(path), frame)
    film = replace(films[0], frames=ImageFiles(paths))
    numbered = replace(film, frames=NumberedImages(tmp_path / "images", 1, ".png", 0, 10))
    assert not grid.run(plan(sequences=(film,)))[0].kept
    assert grid.run(plan(sequences=(numbered,)))[0].kept
    paths[-1].write_bytes(paths[0].read_bytes())
    refused(plan, (film,), "tracked on other images")
    paths[-1].unlink()
    refused(plan, (film,), "tracked on other images")
    # the type checks of the tests read one frame, by chance, and would fail first if it were this
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    (outcome,) = grid.run(plan(sequences=(film,)), force=True)
    assert "9.png: no such image" in outcome.error


def test_unfit_grids_are_refused(plan, films):
    with pytest.raises(InputError, match="repetitions 0"):
        plan(repetitions=0)
    with pytest.raises(InputError, match="sequence a is named twice"):
        plan(sequences=(films[0], films[0]))
    timed = replace(films[1], name=f"{films[0].name}_time")
    with pytest.raises(InputError, match=r"sequences a and a_time: .* rename one"):
        plan(sequences=(films[0], timed))


def open_for(path, films, name, start):
    """One of several runs that open a folder at the same moment."""
    start.wait()
    prints = {name: results.fingerprint(films[0], results.LAYOUTS["ope"])}
    for _ in range(20):
        results.open_folder(path, results.LAYOUTS["ope"], {"tracker": "dice"}, prints, force=False)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_runs_in_one_folder_do_not_forget_each_others_data(tmp_path, films):
    """Each reads the card, adds its sequence and writes it: without a lock, one would be lost."""
    context = multiprocessing.get_context("fork")
    start = context.Event()
    names = ["a", "b", "c"]
    processes = [
        context.Process(target=open_for, args=(tmp_path, films, name, start)) for name in names
    ]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(results.read_card(tmp_path)["sequences"]) == names
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    "text", ["[]", "3", '{"sequences": []}', '{"sequences": {"a": {"length": 1}}}', "[" * 9000]
)
def test_a_card_that_is_none_is_refused(tmp_path, plan, text):
    grid.run(plan())
    (tmp_path / "toy/dice/tracker.json").write_text(text)
    with pytest.raises(InputError, match=r"tracker\.json: not .*; delete the folder and run"):
        grid.run(plan())


def test_a_full_disk_stops_the_run_and_leaves_whole_files(tmp_path, plan, monkeypatch):
    write = Path.write_bytes

    def fill(self, content):
        if "b.txt" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        with pytest.raises(InputError, match=r"b\.txt: cannot be written \(No space left"):
            grid.run(plan())
    assert not list(tmp_path.rglob("*.partial"))
    assert [outcome.kept for outcome in grid.run(plan())] == [True, False]


def test_a_clock_that_goes_backwards_is_not_asked(tmp_path, plan, monkeypatch):
    """Times are taken from a clock that nobody sets."""
    hours = iter(range(10**6, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(hours)))
    grid.run(plan())
    for path in (tmp_path / "toy/dice").glob("*_time.txt"):
        assert all(float(line) >= 0 for line in path.read_text().split())
