"""The race, run by trackers whose times are known, and the commands that print it."""

import json
import re

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

import cfkd_core
from cfkd_core.__main__ import main
from cfkd_core.benchmarks import bench, contenders
from cfkd_core.benchmarks.bench import Timing
from cfkd_core.benchmarks.contenders import Contender, Stopwatch
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Prediction


class Clock:
    """Stands still until somebody works."""

    def __init__(self):
        self.now = 0.0

    def thread_time(self):
        return self.now


class Walker:
    """Needs the seconds it is told to, and writes down when its turn was."""

    def __init__(self, name, clock, seconds, turns):
        self.name, self.card = name, {}
        self.clock, self.seconds, self.turns = clock, iter(seconds), turns

    def init(self, frame, box):
        self._work(frame)

    def update(self, frame):
        self._work(frame)
        return Prediction(np.ones(4), 1.0, "normal")

    def _work(self, frame):
        self.clock.now += next(self.seconds)
        self.turns.append((self.name, int(frame[0, 0, 0])))


FRAMES = [np.full((32, 32, 3), number, dtype=np.uint8) for number in range(4)]
BOX = np.array([8.0, 8, 10, 10])


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(bench.time, "thread_time", clock.thread_time)
    return clock


def test_trackers_take_turns_frame_by_frame(clock):
    turns = []
    walkers = {
        "slow": Walker("slow", clock, [9, 2, 3, 4], turns),
        "fast": Walker("fast", clock, [1, 1, 1, 1], turns),
    }
    slow, fast = bench.race(walkers, FRAMES, BOX)
    assert turns == [(name, number) for number in range(4) for name in ("slow", "fast")]
    assert (slow.init, slow.frames.tolist()) == (9, [2, 3, 4])
    assert (fast.init, fast.frames.tolist()) == (1, [1, 1, 1])
    assert slow.parts == {}
    assert slow.macs == 0


def timing(name="ours", scale=1.0):
    """Five frames; the last but one had an update."""
    frames = np.array([1.0, 1, 1, 4, 2]) * scale
    network = np.array([0.5, 0.5, 0.5, 0.5, 1.5]) * scale
    updates = np.array([0.0, 0, 0, 3, 0]) * scale
    parts = {"network": network, "update": updates}
    return Timing(name, 7.0, frames, updates > 0, parts, macs=10**9)


def test_what_is_said_of_frames():
    ours = timing()
    assert (ours.median, ours.mean, ours.worst) == (1.0, 1.8, 4.0)
    assert ours.p99 == pytest.approx(3.92)
    assert ours.over_median(updated=False).tolist() == [1, 1, 1, 2]
    assert ours.worst_over_median(updated=True) == 4
    assert ours.worst_over_median(updated=False) == 2
    assert ours.anatomy() == pytest.approx({"network": 0.7, "update": 0.6, contenders.REST: 0.5})
    assert ours.peak_share(4e9) == pytest.approx(0.5)


def test_a_tracker_that_is_not_ours_has_no_parts():
    alien = Timing("csrt", 1.0, np.ones(3), np.zeros(3, dtype=bool), {}, macs=0)
    assert alien.anatomy() == {}
    assert np.isnan(alien.peak_share(1e9))
    assert np.isnan(alien.worst_over_median(updated=True))


def outcome(**changes):
    given = {
        "timings": (timing(), timing("theirs", 3.0)),
        "size": (64, 48),
        "peak": 4e9,
        "threads": {"torch": 1, "opencv": 1},
        "absent": {},
        "repeats": 1,
        "processor": "abacus",
        "commit": "0123456789ab",
        "versions": {"torch": "2.6.0"},
    }
    return bench.Contest(**given | changes)


def test_the_table_compares_with_the_first():
    table = outcome().table()
    assert table["x median"].tolist() == pytest.approx([1, 3])
    assert table["x mean"].tolist() == pytest.approx([1, 3])
    assert table.loc["ours", "update"] == pytest.approx(600)
    assert table.loc["ours", "% of peak"] == pytest.approx(50)
    assert table["MB"].isna().all()


def test_json_has_every_frame_and_no_nan(tmp_path):
    alien = Timing("csrt", 1.0, np.ones(3), np.zeros(3, dtype=bool), {}, macs=0)
    outcome(timings=(timing(), alien)).save_json(tmp_path / "bench.json")
    found = json.loads((tmp_path / "bench.json").read_text())
    ours, theirs = found["trackers"]
    assert ours["frames"] == [1, 1, 1, 4, 2]
    assert ours["updated"] == [False, False, False, True, False]
    assert theirs["peak_share"] is None
    assert found["threads"] == {"torch": 1, "opencv": 1}
    assert (found["processor"], found["commit"]) == ("abacus", "0123456789ab")


def test_json_is_read_back_as_it_was(tmp_path):
    before = outcome()
    before.save_json(tmp_path / "bench.json")
    after = bench.load_json(tmp_path / "bench.json")
    pd.testing.assert_frame_equal(after.table(), before.table(), check_exact=False)
    assert after.conditions() == before.conditions()
    assert after.timings[0].worst_over_median(updated=True) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file of times"),
        ("", "not a JSON file"),
        ("[]", "not a file of times"),
        ('{"size": [64, 48]}', "not a file of times"),
    ],
)
def test_other_files_are_not_taken_for_times(tmp_path, content, message):
    file = tmp_path / "bench.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=message):
        bench.load_json(file)


def test_a_file_that_lacks_some_frames_is_refused(tmp_path):
    file = tmp_path / "bench.json"
    outcome().save_json(file)
    content = json.loads(file.read_text())
    content["trackers"][1]["updated"].pop()
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a file of times"):
        bench.load_json(file)


def test_several_races_are_told_as_one_by_medians():
    races = [[timing(scale=scale), timing("theirs", 2 * scale)] for scale in (1, 9, 2)]
    races[0][0].frames[2] = 50  # somebody else's work
    ours, theirs = bench.steadied(races)
    assert (ours.name, theirs.name) == ("ours", "theirs")
    assert ours.frames.tolist() == [2, 2, 9, 8, 4]
    assert theirs.frames.tolist() == [4, 4, 4, 16, 8]
    assert theirs.parts["update"].tolist() == [0, 0, 0, 12, 0]
    assert ours.updated.tolist() == [False, False, False, True, False]


def test_the_film_goes_forth_and_back_at_any_size():
    frames, box = bench.film((160, 120), 160)
    assert len(frames) == 160
    assert frames[0].shape == (120, 160, 3)
    last = len(synthetic_sequences(["syn_light_face"])[0]) - 1
    for before in (1, 10, last):
        np.testing.assert_array_equal(frames[last - before], frames[last + before])
    large, larger = bench.film((320, 240), 2)[1], bench.film((640, 480), 2)[1]
    np.testing.assert_allclose(larger, 2 * large)
    np.testing.assert_allclose(large, 2 * box)


def test_a_stopwatch_adds_up_and_starts_again(clock):
    class Worker:
        def work(self, seconds):
            clock.now += seconds
            return seconds

    worker, other, stopwatch = Worker(), Worker(), Stopwatch()
    stopwatch.watch(worker, "work", "part")
    assert worker.work(2) + worker.work(3) == 5
    other.work(100)
    assert stopwatch.lap() == {"part": 5}
    assert stopwatch.lap() == {"part": 0}


def test_a_part_within_another_counts_once(clock):
    class Worker:
        def inner(self):
            clock.now += 2

        def outer(self):
            clock.now += 1
            self.inner()
            self.inner()

    worker, stopwatch = Worker(), Stopwatch()
    stopwatch.watch(worker, "inner", "inner")
    stopwatch.watch(worker, "outer", "outer")
    worker.outer()
    worker.inner()
    assert stopwatch.lap() == {"inner": 6, "outer": 1}


def test_whole_numbers_are_not_held_against_a_peak_of_floats():
    pytest.importorskip("onnxruntime")
    exact, whole = (Contender("matom", way).build() for way in ("onnxruntime", "int8"))
    assert contenders.network_macs(exact) > 2e8
    assert contenders.network_macs(whole) == 0


@pytest.mark.parametrize("text", ["", "640", "640x", "0x0", "-40x40", "20x20", "axb", "640x480x3"])
def test_a_size_that_is_none(text):
    with pytest.raises(InputError, match="WIDTHxHEIGHT"):
        bench.parse_size(text)


def test_contenders_as_they_are_written():
    assert contenders.parse("matom:plain") == Contender("matom", "plain")
    assert contenders.parse("csrt") == Contender("csrt")
    assert [contenders.parse(name).name for name in bench.DEFAULT] == list(bench.DEFAULT)
    plain = Contender("classifier", "plain").build()
    assert plain.plain
    assert not Contender("classifier", "torch").build().plain


def test_parts_of_our_tracker_lie_within_its_frames():
    tracker = cfkd_core.load_tracker("classifier")
    frames, box = bench.film((160, 120), 12)
    (found,) = bench.race({"classifier": tracker}, frames, box)
    assert set(found.parts) == set(contenders.PARTS)
    assert found.updated.tolist() == [False] * 9 + [True, False]
    assert (sum(found.parts.values()) <= found.frames).all()
    assert found.parts["network"].min() > 0
    assert found.macs == pytest.approx(250.9e6, abs=5e4)  # The original, exactly, section 7.3


def test_the_command_races_who_can_run_and_names_who_cannot(capsys, tmp_path):
    threads = torch.get_num_threads(), cv2.getNumThreads()
    file = tmp_path / "times.json"
    arguments = ["--trackers", "mosse,kcf,kcf:torch", "--frames", "4", "--no-memory"]
    arguments += ["--repeats", "3"]
    assert main(["bench", *arguments, "--json", str(file)]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^\| mosse +\|", out, re.MULTILINE)
    assert "3 frames of 320x240, median of 3 races; threads: torch 1, opencv 1" in out
    assert err == "left out kcf:torch: contender kcf:torch: kcf has no network to run a way\n"
    assert [each["name"] for each in json.loads(file.read_text())["trackers"]] == ["mosse", "kcf"]
    assert (torch.get_num_threads(), cv2.getNumThreads()) == threads


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trackers", "kcf:torch"], "nothing to time"),
        (["--trackers", "matom:abacus"], "contender matom:abacus: choose one of auto, torch"),
        (["--trackers", "siamese"], "tracker siamese: choose one of"),
        (["--trackers", "kcf", "--frames", "1"], "two frames"),
        (["--trackers", "kcf", "--repeats", "0"], "--repeats 0: at least 1"),
        (["--trackers", "kcf", "--size", "big"], "WIDTHxHEIGHT"),
    ],
)
def test_mistakes_are_one_line(capsys, arguments, message):
    assert main(["bench", *arguments, "--no-memory"]) == 2
    assert message in capsys.readouterr().err


def test_cost_prints_a_row_a_module(capsys):
    assert main(["cost", "matom"]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"^\| backbone \| 239360 \| 0.96 \| 250.\d\d \| 333.\d\d \|", out, re.MULTILINE
    )
    assert main(["cost", "resnet9"]) == 2
    assert "choose one of atom" in capsys.readouterr().err


@pytest.mark.slow
def test_a_tracker_needs_less_memory_than_700_mb():
    frames, box = bench.film((320, 240), 12)
    peak = contenders.peak_memory(Contender("matom"), frames, box, threads=1)
    assert 50e6 < peak < 700e6


@pytest.mark.slow
def test_the_fast_path_is_fast():
    """What issue 5 asks for, less what a busy machine may take away from it."""
    frames, box = bench.film((320, 240), 60)
    built, _ = contenders.available([Contender("matom"), Contender("matom", "plain")])
    ours, plain = bench.race(built, frames, box)
    assert plain.mean / ours.mean > 2.5
    for part, times in (("refine", 3), ("update", 4)):
        assert plain.anatomy()[part] / ours.anatomy()[part] > times
