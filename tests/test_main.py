import json
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from cfkd_core.__main__ import main
from cfkd_core.benchmarks import report
from cfkd_core.datasets.sequence import read_image
from cfkd_core.datasets.synthetic import synthetic_sequences


@pytest.fixture
def folder(tmp_path):
    """Twelve frames of a bright disc that moves 3 px to the right, as a folder of images."""
    images = tmp_path / "video"
    images.mkdir()
    ground = np.random.default_rng(0).integers(40, 90, (120, 160, 3), dtype=np.uint8)
    for t in range(12):
        frame = cv2.circle(ground.copy(), (40 + 3 * t, 60), 14, (30, 200, 250), -1)
        cv2.imwrite(str(images / f"{t}.png"), frame)
    return images


def run(capsys, *args):
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def test_track_writes_boxes_and_a_video(capsys, folder, tmp_path):
    video, boxes = tmp_path / "out" / "clip.mp4", tmp_path / "out" / "boxes.csv"
    code, out, _ = run(
        capsys,
        *("track", folder, "--box", "26,46,28,28", "--tracker", "mosse"),
        *("--output", video, "--boxes", boxes),
    )
    assert code == 0
    assert "12 frames" in out
    assert "FPS" in out
    assert f"wrote {video}" in out
    table = pd.read_csv(boxes)
    assert list(table) == ["frame", "x", "y", "w", "h", "score", "status", "seconds"]
    np.testing.assert_allclose(table["x"], 26 + 3 * np.arange(12), atol=2)
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 12


def test_track_reads_the_video_it_wrote(capsys, folder, tmp_path):
    video = tmp_path / "clip.avi"
    args = ("--box", "26,46,28,28", "--tracker", "mosse")
    assert run(capsys, "track", folder, *args, "--output", video)[0] == 0
    code, out, _ = run(capsys, "track", video, *args)
    assert code == 0
    assert "12 frames" in out


def test_track_says_it_for_programs(capsys, folder):
    args = ("--box", "26,46,28,28", "--tracker", "mosse", "--frames", "5", "--json")
    code, out, _ = run(capsys, "track", folder, *args)
    assert code == 0
    found = json.loads(out)
    assert found["frames"] == sum(found["statuses"].values()) == 5
    assert found["last_box"][0] == pytest.approx(26 + 3 * 4, abs=2)
    assert found["wrote"] == []


def test_track_follows_what_is_before_a_camera(capsys, monkeypatch, tmp_path):
    """A webcam with eight pictures: a disc in the middle third, which moves to the right."""

    class Webcam:
        def __init__(self, number):
            assert number == 0
            self.shown = 0

        def isOpened(self):
            return True

        def set(self, key, value):
            return True

        def get(self, key):
            return 0.0

        def read(self):
            self.shown += 1
            ground = np.random.default_rng(0).integers(40, 90, (120, 160, 3), dtype=np.uint8)
            place = (80 + 2 * self.shown, 60)
            return self.shown <= 8, cv2.circle(ground, place, 14, (30, 200, 250), -1)

        def release(self):
            self.shown = 99

    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    boxes = tmp_path / "boxes.csv"
    code, out, _ = run(capsys, "track", "--camera", 0, "--tracker", "mosse", "--boxes", boxes)
    assert code == 0
    assert out.startswith("8 frames; ")
    table = pd.read_csv(boxes)
    assert table["x"][0] == pytest.approx(160 / 3, abs=1e-3)
    assert table["x"][7] - table["x"][0] == pytest.approx(14, abs=3)


def test_film_writes_something_to_track(capsys, tmp_path):
    video = tmp_path / "cup.mp4"
    code, out, _ = run(capsys, "film", "syn_clutter_cup", "--output", video, "--length", 5)
    assert code == 0
    assert out.splitlines()[0] == (
        f"wrote {video}: 5 frames; the target begins at --box 226,39,49,62"
    )
    assert len(pd.read_csv(tmp_path / "cup.csv")) == 5
    code, _, err = run(capsys, "film", "syn_nothing", "--output", video)
    assert code == 2
    assert "syn_clutter_cup" in err


def test_film_draws_trackers_with_the_truth(capsys, tmp_path):
    chosen = ("--benchmark", "synthetic", "--results", tmp_path / "results")
    names = ("--trackers", "mosse,kcf")
    code, _, _ = run(capsys, "run", *chosen, *names, "--sequences", "syn_clutter_cup", "--trace")
    assert code == 0
    trace = pd.read_csv(tmp_path / "results/synthetic/mosse/syn_clutter_cup_trace.csv")
    assert list(trace) == ["frame", "score", "status"]
    output = tmp_path / "both"
    drawn = ("film", "syn_clutter_cup", "--output", output, *chosen, *names)
    code, out, _ = run(capsys, *drawn, "--frames", "3:6")
    assert code == 0
    assert out == f"wrote {output}: 4 frames of syn_clutter_cup with mosse, kcf and the truth\n"
    pictures = sorted(output.iterdir())
    assert len(pictures) == 4
    (film,) = synthetic_sequences(["syn_clutter_cup"], 4)
    assert np.abs(read_image(pictures[0]).astype(int) - film.frames[3]).max() > 100
    for span in ("6:3", "3", "0:9999", "a:b"):
        code, _, err = run(capsys, *drawn, "--frames", span)
        assert code == 2
        assert f"frames {span!r}: expected FIRST:LAST, counted from 0, up to" in err
    code, _, err = run(capsys, "film", "syn_clutter_cup", "--output", output, "--frames", "3:6")
    assert code == 2
    assert "name some by --trackers" in err


def test_score_takes_other_peoples_results(capsys, tmp_path):
    (film,) = synthetic_sequences(["syn_clutter_cup"])
    text = "\n".join(",".join(map(str, box)) for box in film.boxes.tolist())
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as archive:
        for tracker in ("KCF", "SAMF"):
            archive.writestr(f"syn-clutter-cup_{tracker}.txt", text)
        archive.writestr("notes.txt", "?")
    chosen = ("--benchmark", "synthetic", "--sequences", "syn_clutter_cup")
    code, out, err = run(capsys, "score", *chosen, "--results", tmp_path / "theirs.zip")
    assert code == 0
    assert "| KCF | 0.952 |" in out
    assert err.splitlines() == [
        f"{tracker}: 1 of 1 sequences matched; files that match no sequence: notes.txt"
        for tracker in ("KCF", "SAMF")
    ]


def test_table_says_what_each_row_needs(capsys, tmp_path):
    page = tmp_path / "table.md"
    code, out, _ = run(capsys, "table", "6", "--markdown", page)
    assert code == 0
    assert "needs a run on LaSOT's 280 test videos" in out
    assert page.read_text() in out
    code, _, err = run(capsys, "table", "6", "--scores", tmp_path / "none.json")
    assert code == 2
    assert "no such report" in err


GOOD = ("--box", "26,46,28,28", "--tracker", "mosse")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("missing.mp4", *GOOD), "missing.mp4: no such video"),
        (("{folder}",), "no box: say where"),
        (("{folder}", *GOOD, "--camera", "0"), "one of them"),
        (("{folder}", "--box", "500,46,28,28"), "outside the frame of 160 x 120 px"),
        (("{folder}", "--box", "26,46,0,28"), "must be positive"),
        (("{folder}", "--box", "26,nan,28,28"), "must be finite"),
        (("{folder}", "--box", "26,46,28"), "got 3"),
        (("{folder}", "--box", "left"), "expected four numbers"),
        (("{empty}", *GOOD), "no images here"),
        (("{text}", *GOOD), "cannot be decoded as a video"),
        (("{folder}", "--box", "26,46,28,28", "--tracker", "magic"), "choose one of atom, matom"),
        (("{folder}", *GOOD, "--weights", "{text}"), "takes no weights"),
        (
            ("{folder}", "--box", "26,46,28,28", "--weights", "{text}"),
            "not a torch checkpoint",
        ),
        (("{folder}", "--box", "26,46,28,28", "--weights", "none.pth"), "none.pth"),
        (("{folder}", *GOOD, "--output", "clip.gif"), "cannot write .gif"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(capsys, folder, tmp_path, args, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no video, no weights\n")
    places = {"folder": folder, "empty": tmp_path / "empty", "text": tmp_path / "notes.txt"}
    code, out, err = run(capsys, "track", *(arg.format(**places) for arg in args))
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_run_then_score(capsys, tmp_path):
    results, scores = tmp_path / "results", tmp_path / "scores.json"
    chosen = ("--benchmark", "synthetic", "--sequences", "syn_fast_coin,syn_spin_badge")
    where = ("--results", results)
    code, out, _ = run(capsys, "run", *chosen, *where, "--trackers", "mosse,kcf")
    assert code == 0
    assert "mosse: 2 sequences (0 kept)" in out
    code, out, _ = run(capsys, "run", *chosen, *where, "--trackers", "mosse")
    assert "mosse: 2 sequences (2 kept)" in out
    code, out, _ = run(capsys, "score", *chosen, *where, "--by-sequence", "--json", scores)
    assert code == 0
    assert "| tracker | success_auc | precision_at_20 | fps | sequences |" in out
    reports = {each.tracker: each for each in report.load_json(scores)}
    assert set(reports) == {"mosse", "kcf"}
    assert 0 < reports["kcf"].scores["success_auc"] <= 20 / 21
    assert reports["kcf"].card["opencv"] == cv2.__version__


def test_score_writes_tables_and_compare_draws_pairs(capsys, tmp_path):
    results, csv, markdown = (tmp_path / name for name in ("results", "scores.csv", "scores.md"))
    chosen = ("--benchmark", "synthetic", "--sequences", "syn_fast_coin,syn_far_coin")
    where = ("--results", results)
    assert run(capsys, "run", *chosen, *where, "--trackers", "mosse,kcf")[0] == 0
    code, out, _ = run(capsys, "score", *chosen, *where, "--csv", csv, "--markdown", markdown)
    assert code == 0
    assert len(pd.read_csv(csv)) == 4
    assert markdown.read_text() in out
    code, out, _ = run(capsys, "compare", "mosse", "kcf", *chosen, *where, "--worst", 1)
    assert "| sequence | success_auc, mosse | success_auc, kcf | difference |" in out
    code, out, _ = run(capsys, "compare", "mosse", "kcf", *chosen, *where)
    assert "| sequence |" not in out
    assert code == 0
    assert out.startswith("| mosse - kcf | difference |")
    assert "| success_auc |" in out


def test_real_time_with_an_assumed_latency_is_deterministic(capsys, tmp_path):
    chosen = ("--benchmark", "synthetic", "--sequences", "syn_fast_coin", "--trackers", "kcf")
    clock = ("--experiment", "realtime", "--latency", "110")
    for name in ("a", "b"):
        assert run(capsys, "run", *chosen, *clock, "--results", tmp_path / name)[0] == 0
    place = "synthetic/kcf/realtime/syn_fast_coin"
    for end in ("001.txt", "001_time.txt"):
        first, second = (
            (tmp_path / name / place / f"syn_fast_coin_{end}").read_bytes() for name in ("a", "b")
        )
        assert first == second
    code, out, _ = run(
        capsys,
        *("score", *chosen, "--experiment", "realtime", "--results", tmp_path / "a"),
    )
    assert code == 0
    assert "| tracker | eao | accuracy | robustness |" in out
    assert "| 9.1 | 1 |" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("run", "--benchmark", "synthetic", "--trackers", "kcf", "--latency", "50"), "no clock"),
        (("run", "--benchmark", "synthetic", "--trackers", "kcf", "--jobs", "0"), "at least 1"),
        (("run", "--benchmark", "synthetic", "--trackers", "kcf,kcf"), "named twice"),
        (("compare", "a", "b", "--benchmark", "synthetic", "--results", "nowhere"), "no results"),
        (("score", "--benchmark", "synthetic", "--protocol", "vot"), "protocol 'vot'"),
        (
            (
                *("submit", "--benchmark", "got10k", "--root", "nowhere"),
                *("--tracker", "kcf", "--output", "x.zip"),
            ),
            "nowhere: no such folder",
        ),
        (("run", "--benchmark", "synthetic", "--trackers", "magic"), "choose one of"),
        (("run", "--benchmark", "kitti", "--trackers", "kcf"), "choose from synthetic, otb"),
        (("run", "--benchmark", "otb", "--root", "nowhere", "--trackers", "kcf"), "nowhere"),
        (("score", "--benchmark", "synthetic", "--results", "nowhere"), "no results"),
        (("score", "--benchmark", "synthetic", "--sequences", "syn_x"), "sequence syn_x"),
    ],
)
def test_evaluation_says_what_is_missing(capsys, args, message):
    code, _, err = run(capsys, *args)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_failing_tracker_is_reported_and_the_rest_runs(capsys, tmp_path, monkeypatch):
    from cfkd_core.tracking.mosse import MosseTracker

    def fail(self, frame):
        raise RuntimeError("the filter burst")

    monkeypatch.setattr(MosseTracker, "update", fail)
    code, _, err = run(
        capsys,
        *("run", "--benchmark", "synthetic", "--sequences", "syn_fast_coin"),
        *("--trackers", "mosse,kcf", "--results", tmp_path),
    )
    assert code == 1
    assert "FAILED mosse on syn_fast_coin: the filter burst" in err
    assert (tmp_path / "synthetic/kcf/syn_fast_coin.txt").is_file()
    assert not (tmp_path / "synthetic/mosse/syn_fast_coin.txt").exists()


def test_a_part_of_a_benchmark_is_named(capsys, tmp_path):
    folder = tmp_path / "otb" / "Deer"
    (folder / "img").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    for number in (1, 2):
        cv2.imwrite(str(folder / "img" / f"{number:04d}.jpg"), noise)
    (folder / "groundtruth_rect.txt").write_text("20,20,20,20\n" * 2)
    args = ("run", "--benchmark", "otb", "--root", folder.parent, "--trackers", "mosse")
    args = (*args, "--results", tmp_path)
    code, _, err = run(capsys, *args)
    assert code == 0
    assert "otb: 1 of 1 sequences are of OTB-100's 100\n" in err
    code, _, err = run(capsys, *args, "--sequences", "Deer")
    assert "otb:" not in err


def test_help_names_every_tracker_and_benchmark(capsys):
    from cfkd_core.datasets.readers import BENCHMARKS
    from cfkd_core.tracking.load import TRACKERS

    with pytest.raises(SystemExit, match="0"):
        main(["track", "--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in TRACKERS)
    with pytest.raises(SystemExit, match="0"):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in BENCHMARKS)


def test_export_writes_graphs_and_says_where(capsys, tmp_path):
    pytest.importorskip("onnxruntime")
    code, out, _ = run(capsys, "export", "classifier", "--output", tmp_path / "graphs")
    assert code == 0
    assert out.splitlines() == [
        f"wrote {tmp_path / 'graphs' / name}" for name in ("search.onnx", "metadata.json")
    ]


def test_export_of_what_has_no_network_is_one_line(capsys, tmp_path):
    code, _, err = run(capsys, "export", "csrt", "--output", tmp_path)
    assert (code, err.strip()) == (
        2,
        "error: tracker csrt: has no network to export; choose matom, say",
    )
