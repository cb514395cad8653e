"""From folders of results to reports; `test_ope` and `test_grid` look at the rest."""

import numpy as np
import pytest

from cfkd_core.benchmarks import grid, report, stored
from cfkd_core.benchmarks.clocks import ConstantClock
from cfkd_core.benchmarks.grid import Grid, Present
from cfkd_core.benchmarks.ope import OnePass
from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS
from cfkd_core.benchmarks.realtime import RealTime
from cfkd_core.benchmarks.reset import WithRestarts
from cfkd_core.benchmarks.runners import make_runner
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


def test_csv_has_a_row_a_tracker_and_sequence(tmp_path, still_film, scripted):
    film = still_film(4)
    grid.run(Grid((Present(scripted(lambda t: ON)),), (film,), OnePass(), tmp_path, "toy", 1))
    found = stored.score("toy", [film], tmp_path, protocol="otb")
    heading, row = report.sequences_csv(found).splitlines()
    assert heading == ("benchmark,protocol,tracker,sequence,success_auc,precision_at_20,frames,fps")
    assert row.startswith("toy,otb,scripted,film,0.952381,1.000000,4,")
