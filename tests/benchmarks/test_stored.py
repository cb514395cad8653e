"""From folders of results to reports; `test_ope` and `test_grid` look at the rest."""

import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cfkd_core.benchmarks import grid, report, stored
from cfkd_core.benchmarks.clocks import ConstantClock
from cfkd_core.benchmarks.grid import Grid, Present
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS
from cfkd_core.benchmarks.realtime import RealTime
from cfkd_core.benchmarks.reset import WithRestarts, read_followed
from cfkd_core.benchmarks.results import LAYOUTS, annotation
from cfkd_core.benchmarks.runners import make_runner
from cfkd_core.datasets import regions
from cfkd_core.errors import InputError

ON, OFF = [10.0, 10.0, 8.0, 8.0], [40.0, 25.0, 8.0, 8.0]


def test_restarts_are_scored_by_hand(tmp_path, still_film, scripted):
    """One failure in 20 frames; what is tracked lies on the target or three quarters beside it."""
    film = still_film(20)
    tracker = Present(scripted(lambda t: OFF if t == 2 else [12.0, 10.0, 8.0, 8.0]))
    grid.run(Grid((tracker,), (film,), WithRestarts(), tmp_path, "toy", 1))
    (found,) = stored.score("toy", [film], tmp_path, protocol="vot-legacy-2018", experiment="reset")
    assert found.scores["robustness"] == pytest.approx(100 / 20)
    # restarted in 7, so that 17, 18, 19 count: of 9 x 9 pixels 7 x 9 are common, 11 x 9 in all
    assert found.scores["accuracy"] == pytest.approx(7 / 11)
    assert np.isnan(found.scores["eao"]), "20 frames are too few"
    assert "| scripted | – | 0.636 | 5.000 |" in report.markdown(report.table([found]))
    report.save_json([found], tmp_path / "scores.json")
    (again,) = report.load_json(tmp_path / "scores.json")
    assert again.scores["accuracy"] == found.scores["accuracy"]


def test_experiments_lie_beside_each_other(tmp_path, still_film, scripted):
    film = still_film(20)
    for runner in (OnePass(), WithRestarts(), RealTime(clock=ConstantClock(1.0))):
        tracker = Present(scripted(lambda t: ON))
        grid.run(Grid((tracker,), (film,), runner, tmp_path, "toy", 1))
    for experiment, protocol in (
        ("ope", "otb"), ("reset", "vot-legacy-2019"), ("realtime", "vot-toolkit-0.9-2019")
    ):  # fmt: skip
        (found,) = stored.score("toy", [film], tmp_path, protocol=protocol, experiment=experiment)
        assert (found.protocol, found.tracker) == (protocol, "scripted")
    # the clock's seconds, not this machine's
    assert found.fps == pytest.approx(1.0)
    assert found.card["latency"] == "1000 ms"


def test_a_protocol_is_for_its_experiment(tmp_path, still_film):
    for protocol, experiment in (("otb", "reset"), ("vot-legacy-2018", "ope"), ("kitti", "ope")):
        with pytest.raises(
            InputError, match=f"protocol '{protocol}' is none of experiment {experiment}"
        ):
            stored.score("toy", [still_film(3)], tmp_path, protocol=protocol, experiment=experiment)


def test_hidden_annotation_is_for_the_server(tmp_path, still_film):
    film = still_film(3)
    film.boxes[1:] = np.nan
    with pytest.raises(InputError, match=r"only its first box is public; .* submit"):
        stored.score("toy", [film], tmp_path, protocol="otb")


def test_ones_own_target_may_be_absent_after_the_first_frame(tmp_path, still_film, scripted):
    film, lost = still_film(3), replace(still_film(3), name="lost")
    lost.boxes[1:] = np.nan
    lost.visible[1:] = False
    tracker = Present(scripted(lambda t: ON))
    grid.run(Grid((tracker,), (film, lost), OnePass(), tmp_path, "own", 1))
    (found,) = stored.score("own", [film, lost], tmp_path, protocol="otb")
    # an absent target is a failure in overlap
    assert found.scores["success_auc"] == pytest.approx(20 / 21 * (1 + 1 / 3) / 2)
    (found,) = stored.score("own", [lost], tmp_path, protocol="otb")
    assert found.scores["success_auc"] == pytest.approx(20 / 21 / 3)


def _text(boxes) -> str:
    return "\n".join(",".join(map(str, row)) for row in boxes)


class TestOtherPeoplesResults:
    """Of two sequences that their toolkits write otherwise, of four frames each."""

    @pytest.fixture
    def films(self, still_film):
        return [replace(still_film(4), name=name) for name in ("Jogging.1", "Dog")]

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("below", ["", "toy/"])
    def test_folders_of_trackers(self, tmp_path, films, packed, below):
        files = {
            "atom/Jogging_1.txt": _text([ON] * 4), "atom/Dog.txt": _text([ON] * 4),
            "dimp/jogging-1.txt": _text([ON] * 4), "dimp/dog.txt": _text([ON, OFF, OFF, OFF]),
            "dimp/notes.txt": "?"
        }  # fmt: skip
        source = tmp_path / f"{below}results.zip" if packed else tmp_path / f"{below}results"
        _lay(source, files)
        given = tmp_path if below else source
        first, second = stored.score("toy", films, given, protocol="otb")
        assert (first.tracker, second.tracker) == ("atom", "dimp")
        assert first.scores["success_auc"] == pytest.approx(20 / 21)
        assert second.scores["success_auc"] == pytest.approx(20 / 21 * 5 / 8)
        assert first.notes == ("atom: 2 of 2 sequences matched",)
        assert second.notes == (
            "dimp: 2 of 2 sequences matched; files that match no sequence: dimp/notes.txt",
        )
        assert first.fps is None
        report.save_json([second], tmp_path / "scores.json")
        assert report.load_json(tmp_path / "scores.json")[0].notes == second.notes

    def test_a_tracker_is_chosen_by_name(self, tmp_path, films):
        _lay(tmp_path / "mats", {f"{each.name}_{tracker}.txt": _text([ON] * 4) for each in films
                                 for tracker in ("SAMF", "KCF")})  # fmt: skip
        (found,) = stored.score("toy", films, tmp_path / "mats", protocol="otb", trackers=["KCF"])
        assert found.tracker == "KCF"
        with pytest.raises(InputError, match="no results of tracker MIL; there are KCF, SAMF"):
            stored.score("toy", films, tmp_path / "mats", protocol="otb", trackers=["MIL"])

    def test_lengths_are_the_protocols_business(self, tmp_path, films):
        _lay(tmp_path / "atom", {"Jogging_1.txt": _text([ON] * 5), "Dog.txt": _text([ON] * 3)})
        (found,) = stored.score("toy", films, tmp_path / "atom", protocol="pytracking")
        assert found.scores["success_auc"] == pytest.approx(20 / 21 * (1 + 3 / 4) / 2)
        assert found.notes == (
            "atom: 2 of 2 sequences matched; more boxes than frames, cut: Jogging.1; "
            "fewer boxes than frames, by the protocol's rule: Dog",
        )
        with pytest.raises(
            InputError,
            match=r"2 of 2 sequences missing or incomplete \(Jogging\.1, Dog\); "
            r"Jogging\.1 has 5 of 4 frames, Dog has 3 of 4 frames; run it",
        ):
            stored.score("toy", films, tmp_path / "atom", protocol="otb")
        (found,) = stored.score("toy", films, tmp_path / "atom", protocol="lasot", partial=True)
        assert found.missing == ("Dog",)

    def test_another_benchmarks_folder_is_not_taken_for_results(self, tmp_path, films, scripted):
        tracker = Present(scripted(lambda t: ON))
        grid.run(Grid((tracker,), tuple(films), OnePass(), tmp_path, "toy", 1))
        with pytest.raises(InputError, match="otb: no results"):
            stored.score("otb", films, tmp_path, protocol="otb")

    def test_runs_with_restarts(self, tmp_path, films):
        run = "1\n10,10,8,8\n2\n0\n"
        _lay(tmp_path / "vot.zip", {
            f"{tracker}/baseline/{each.name}/{each.name}_001.txt": run
            for tracker in ("KCF", "SAMF") for each in films
        })  # fmt: skip
        found = stored.score(
            "toy", films, tmp_path / "vot.zip", protocol="vot-legacy-2018", experiment="reset"
        )
        assert sorted(each.tracker for each in found) == ["KCF", "SAMF"]
        assert found[0].scores["robustness"] == pytest.approx(100 / 4)

    def test_answers_are_read_for_a_film(self, tmp_path, films):
        _lay(tmp_path / "a", {"KCF/Dog.txt": _text([ON] * 4), "SAMF/Dog.txt": _text([OFF] * 4)})
        found = stored.first_answers("toy", films[1], tmp_path / "a", ["SAMF", "KCF"])
        assert list(found) == ["SAMF", "KCF"]
        np.testing.assert_array_equal(found["SAMF"][0], OFF)


def _lay(place, files) -> None:
    """A folder, or an archive where the name says so."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)


def test_a_rectangle_stays_one_on_the_way_from_disk(tmp_path, still_film):
    """`score` and the API agree on runs that mix four and eight numbers.

    Source: vot-toolkit 0.9.0, vot/region/raster.py: a rectangle's sides are rounded, then its last
    pixel is x + w - 1, a quadrangle's is its corner.
    """
    corners = "10.4,10.4,17.4,10.4,17.4,17.4,10.4,17.4"
    text = f"1\n10.4,10.4,7.4,7.4\n{corners}\n"
    _lay(tmp_path / "toy", {"KCF/baseline/film/film_001.txt": text})
    truth = regions.pad(np.tile([10.0, 10, 8, 8], (3, 1)))
    film = replace(still_film(3), regions=truth)
    run = read_followed(LAYOUTS["reset"], tmp_path / "toy/KCF/baseline", film, 1)
    rule = VOT_PROTOCOLS["vot-toolkit-0.9-2018"]
    found = rule.passes([run], annotation(film), (60, 40))
    np.testing.assert_allclose(found.overlaps, [[np.nan, 49 / 64, 1]])


@pytest.mark.parametrize(
    ("benchmark", "experiment", "protocol"),
    [
        ("synthetic", "ope", "otb"), ("otb", "ope", "otb"), ("lasot", "ope", "lasot"),
        ("got10k-val", "ope", "got10k"), ("uav123", "ope", "uav123"), ("vot2018", "ope", "otb"),
        ("vot2019", "reset", "vot-legacy-2019"), ("vot2018", "realtime", "vot-legacy-2018"),
        ("synthetic", "reset", "vot-legacy-2018"),
    ],
)  # fmt: skip
def test_benchmarks_have_a_protocol_of_their_own(benchmark, experiment, protocol):
    assert stored.default_protocol(benchmark, experiment) == protocol
    assert protocol in PROTOCOLS | VOT_PROTOCOLS


def test_runners_by_name(tmp_path):
    assert make_runner("ope") == OnePass()
    assert make_runner("reset") == WithRestarts()
    runner = make_runner("realtime", rule="toolkit-0.9", fps=30.0, latency="50")
    assert runner == RealTime("toolkit-0.9", 30.0, ConstantClock(0.05))
    with pytest.raises(InputError, match="has no clock"):
        make_runner("ope", latency="50")
    with pytest.raises(InputError, match="choose from ope, reset, realtime"):
        make_runner("tre")


@pytest.mark.parametrize("runner", [OnePass(trace=True), WithRestarts(trace=True),
                                    RealTime(clock=ConstantClock(0.1), trace=True)])  # fmt: skip
def test_a_trace_lies_beside_the_boxes(tmp_path, still_film, scripted, runner):
    film = still_film(9)
    plan = Grid((Present(scripted(lambda t: ON)),), (film,), runner, tmp_path, "toy", 1)
    grid.run(plan)
    path = runner.layout.trace(plan.folder("scripted"), "film")
    table = pd.read_csv(path)
    assert list(table) == ["frame", "score", "status"]
    assert table["frame"].tolist() == list(range(9))
    asked = table["score"].notna()
    assert (table["status"][asked] == "normal").all()
    assert table["status"][~asked].isna().all()
    # at 10 frames a second every second image is shown, after three that are forgiven
    assert asked.sum() == (9 if runner.layout.folder != "realtime" else 6)
    # boxes alone are not all that was asked for
    path.unlink()
    assert [each.kept for each in grid.run(plan)] == [False]
    assert [each.kept for each in grid.run(plan)] == [True]
    assert path.is_file()


def test_the_sequences_on_which_two_trackers_differ_most(tmp_path, still_film, scripted):
    films = [replace(still_film(n), name=f"film{n}") for n in (4, 6, 8)]
    found = []
    for name, script in (("on", lambda t: ON), ("off", lambda t: OFF if t > 3 else ON)):
        tracker = scripted(script)
        tracker.name = name
        grid.run(Grid((Present(tracker),), tuple(films), OnePass(), tmp_path, "toy", 1))
        found += stored.score("toy", films, tmp_path, protocol="otb", trackers=[name])
    apart = report.worst(*found, 2)
    assert apart.index.tolist() == ["film8", "film6"]
    assert apart["difference"].tolist() == pytest.approx([20 / 21 * 4 / 8, 20 / 21 * 2 / 6])
    assert len(report.worst(*found, 9)) == 3
    with pytest.raises(InputError, match="0 sequences: at least 1"):
        report.worst(*found, 0)


def test_csv_has_a_row_a_tracker_and_sequence(tmp_path, still_film, scripted):
    film = still_film(4)
    grid.run(Grid((Present(scripted(lambda t: ON)),), (film,), OnePass(), tmp_path, "toy", 1))
    found = stored.score("toy", [film], tmp_path, protocol="otb")
    heading, row = report.sequences_csv(found).splitlines()
    assert heading == ("benchmark,protocol,tracker,sequence,success_auc,precision_at_20,frames,fps")
    assert row.startswith("toy,otb,scripted,film,0.952381,1.000000,4,")
