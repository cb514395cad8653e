"""Commands on damaged input: no traceback, and no success with a wrong answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import jaxtyping
import numpy as np
import pytest

from cfkd_core.__main__ import main
from cfkd_core.datasets.video import write_video

BOX = ("--box", "20,20,16,16", "--tracker", "mosse")


def frames(count):
    """A bright square that moves over noise."""
    ground = np.random.default_rng(0).integers(0, 90, (64, 80, 3), dtype=np.uint8)
    for t in range(count):
        frame = ground.copy()
        frame[20:36, 20 + t // 4 : 36 + t // 4] = (220, 200, 40)
        yield frame


def table(count, row="{x},20,16,16"):
    return "".join(row.format(t=t, x=20 + t // 4) + "\n" for t in range(count))


@pytest.fixture
def film(tmp_path):
    """A folder of one's own with a film of 60 frames and its boxes."""
    folder = tmp_path / "videos"
    folder.mkdir()
    with write_video(folder / "a.avi") as add:
        for frame in frames(60):
            add(frame)
    (folder / "a.csv").write_text(table(60))
    return folder / "a.avi"


@pytest.fixture
def images(tmp_path):
    """A folder of one's own with a video as images and its boxes."""
    folder = tmp_path / "images" / "a"
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames(12)):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame)
    (folder.parent / "a.csv").write_text(table(12))
    return folder


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 55 // 100])


def run(capsys, *args):
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def refused(capsys, message, *args):
    code, out, err = run(capsys, *args)
    assert (code, out, err.count("\n")) == (2, "", 1), (code, out, err)
    assert err.startswith("error: ")
    assert message in err


def command(name, video, results):
    """The arguments with which a command reads a video of one's own."""
    own = ("--benchmark", "own", "--root", video.parent)
    return {
        "track": ("track", video, *BOX),
        "run": ("run", *own, "--trackers", "mosse", "--results", results),
        "train": ("train", "cfkd", "--smoke", "--data", video.parent, "--out", results / "runs"),
    }[name]


def emptied(video):
    video.write_bytes(b"")


def text(video):
    video.write_text("no video")


def not_utf8(video):
    video.with_suffix(".csv").rename(video.with_name("caf\udce9.csv"))
    return video.rename(video.with_name("caf\udce9.avi"))


def without_table(video):
    video.with_suffix(".csv").unlink()


def corners(video):
    video.with_suffix(".csv").write_text(table(60, "{x},20,60,36").replace(",60,", ",90,"))


def fractions(video):
    video.with_suffix(".csv").write_text(table(60, "0.25,0.3,0.2,0.25"))


DAMAGE = {
    emptied: "cannot be decoded as a video",
    text: "cannot be decoded as a video",
    not_utf8: "caf\\udce9.avi: a name that is not UTF-8",
    without_table: "no boxes; put them in a.csv",
    corners: "two corners x1, y1, x2, y2",
    fractions: "as fractions of the frame; multiply",
}
ONLY_OF_TABLES = {without_table, corners, fractions}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", ["track", "run", "train"])
def test_a_damaged_video_or_table_is_refused(capsys, film, tmp_path, name, damage):
    video = damage(film) or film
    if name == "track" and damage in ONLY_OF_TABLES:
        assert run(capsys, *command(name, video, tmp_path))[0] == 0  # it reads no table
    else:
        # a film without a table is no layout to train on
        looked = name == "train" and damage is without_table
        message = "clip.csv beside it" if looked else DAMAGE[damage]
        refused(capsys, message, *command(name, video, tmp_path))


def coco(folder, size, box):
    """Twenty photographs of 80 x 64 px, which are said to have another size, or boxes elsewhere."""
    (folder / "images").mkdir(parents=True)
    width, height = size
    content = {"images": [], "annotations": []}
    for number, frame in enumerate(frames(20)):
        name = f"{number}.png"
        cv2.imwrite(str(folder / "images" / name), frame)
        content["images"].append(
            {"id": number, "file_name": name, "width": width, "height": height}
        )
        content["annotations"].append({"id": number, "image_id": number, "bbox": box})
    (folder / "instances.json").write_text(json.dumps(content))


@pytest.mark.filterwarnings("ignore:training image left out")
@pytest.mark.parametrize("more", [(), ("--in-memory",)], ids=["read", "in memory"])
@pytest.mark.parametrize(
    ("size", "box", "message"),
    [
        ((160, 128), [20, 20, 16, 16], ".png: 80 x 64 px, but its annotation is of 160 x 128"),
        ((0, 0), [120, 90, 30, 30], "box 120,90,30,30 lies outside the picture of 80 x 64 px"),
    ],
)
def test_pictures_that_do_not_fit_their_annotation_are_not_trained_on(
    monkeypatch, capsys, tmp_path, size, box, message, more
):
    # the type checks of the tests read one frame, by chance, and would fail first
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    coco(tmp_path / "resized", size, box)
    code, _, err = run(
        capsys,
        *("train", "cfkd", "--smoke", "--data", tmp_path / "resized"),
        *("--out", tmp_path / "runs", *more),
    )
    assert code == 2
    assert message in err.splitlines()[-1]
    assert not list((tmp_path / "runs").glob("*.safetensors"))


def test_a_cut_film_is_tracked_to_its_end_and_said_so(capsys, film, tmp_path):
    cut(film)
    code, out, _ = run(capsys, *command("track", film, tmp_path))
    assert code == 0
    (line,) = [each for each in out.splitlines() if "ends after" in each]
    count = out.split()[0]
    assert line == f"{film}: ends after {count} of 60 frames"
    code, out, _ = run(capsys, *command("track", film, tmp_path), "--json")
    assert json.loads(out)["damage"] == f"ends after {count} of 60 frames"
    target = tmp_path / "out.avi"
    refused(
        capsys, "of 60 frames; copy it again", "track", film, *BOX, "--strict", "--output", target
    )
    assert not target.exists()


def test_a_cut_film_is_run_with_a_note(capsys, film, tmp_path):
    cut(film)
    refused(capsys, "of 60 frames", *command("run", film, tmp_path))  # 60 boxes are too many
    film.with_suffix(".csv").write_text("frame,x,y,w,h\n" + table(30, "{t},{x},20,16,16"))
    code, _, err = run(capsys, *command("run", film, tmp_path))
    assert code == 0
    assert "sequence a: " in err
    assert " of 60 frames" in err
    refused(capsys, "leave out --strict", *command("run", film, tmp_path), "--strict", "--force")


def test_a_sparse_table_is_scored_with_a_note(capsys, film, tmp_path):
    rows = [f"{t},{20 + t // 4},20,16,16\n" for t in range(0, 60, 10)]
    film.with_suffix(".csv").write_text("frame\tx\ty\tw\th\n" + "".join(rows).replace(",", "\t"))
    own = ("--benchmark", "own", "--root", film.parent, "--results", tmp_path / "results")
    assert run(capsys, "run", *own, "--trackers", "mosse")[0] == 0
    code, _, err = run(capsys, "score", *own)
    assert code == 0
    assert "sequence a: 6 of 60 frames have a box; most protocols count the others" in err


OUTPUTS = {
    "the film": (("--output", "{film}"), "a.avi: is an input of this command"),
    "its boxes": (("--boxes", "{film.parent}/a.csv"), "a.csv: is there, and not from a tracker"),
    "a link to it": (("--output", "{film.parent}/link.avi"), "link.avi: is an input"),
    "one twice": (("--output", "b.avi", "--boxes", "b.avi"), "b.avi: is named for two outputs"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_output_of_track_replaces_what_is_the_users(capsys, film, name):
    (film.parent / "link.avi").symlink_to(film)
    content = {path: path.read_bytes() for path in film.parent.iterdir()}
    args, message = OUTPUTS[name]
    refused(capsys, message, "track", film, *BOX, *(arg.format(film=film) for arg in args))
    assert {path: path.read_bytes() for path in film.parent.iterdir()} == content


def test_boxes_among_the_images_replace_none(capsys, images, tmp_path):
    first = images / "0000.png"
    refused(capsys, "is an input", "track", images, *BOX, "--boxes", first)
    boxes = images / "boxes.csv"
    for _ in range(2):  # a tracker's own boxes may be written anew
        assert run(capsys, "track", images, *BOX, "--boxes", boxes)[0] == 0


def test_other_commands_replace_no_input(capsys, film, tmp_path):
    own = ("--benchmark", "own", "--root", film.parent, "--results", tmp_path)
    assert run(capsys, "run", *own, "--trackers", "mosse")[0] == 0
    card = tmp_path / "own/mosse/tracker.json"
    refused(capsys, "is an input", "score", *own, "--json", card)
    refused(capsys, "is an input", "score", *own, "--csv", film.with_suffix(".csv"))
    scores = tmp_path / "scores.json"
    for _ in range(2):
        assert run(capsys, "score", *own, "--json", scores)[0] == 0
    refused(capsys, "is an input", "table", "6", "--scores", scores, "--markdown", scores)
    weights = tmp_path / "cfkd.safetensors"
    weights.touch()
    trained = ("train", "cfkd", "--smoke", "--data", film.parent, "--out", tmp_path)
    refused(capsys, "is an input", *trained, "--teacher", weights)
    table = tmp_path / "cup.csv"
    table.write_text("mine")
    refused(capsys, "cup.csv: is there without", "film", "syn_clutter_cup", "--output",
            table.with_suffix(".mp4"), "--length", "2")  # fmt: skip
    assert table.read_text() == "mine"


@pytest.mark.parametrize(
    "args",
    [
        ("train", "cfkd", "--smoke", "--save-every", "0"),
        ("train", "cfkd", "--smoke", "--validate-every", "0"),
        ("train", "cfkd", "--smoke", "--workers", "-1"),
        ("train", "cfkd", "--smoke", "--devices", "0"),
        ("train", "cfkd", "--smoke", "--length", "nan"),
        ("track", "a.mp4", "--tracker", "mosse", "--seed", "-1"),
        ("track", "a.mp4", "--frames", "0"),
        ("run", "--benchmark", "synthetic", "--trackers", "kcf", "--jobs", "0"),
        ("run", "--benchmark", "synthetic", "--trackers", "kcf", "--fps", "nan"),
        ("bench", "--threads", "0"),
        ("cost", "matom", "--size", "8"),
    ],
)
def test_an_option_outside_its_range_is_named(capsys, args):
    refused(capsys, f"error: {args[-2]} {args[-1]}: at least ", *args)


def test_a_seed_that_is_too_large_is_named(capsys):
    args = ("train", "cfkd", "--smoke", "--seed", "99999999999999999999")
    refused(capsys, "--seed 99999999999999999999: at most 2147483647", *args)


def test_a_gpu_that_is_not_there_is_named(capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    refused(capsys, "torch finds no GPU", "train", "cfkd", "--smoke", "--accelerator", "cuda")


def shell(*args, cwd, **more):
    """The command in a process of its own: a crash would end the tests."""
    done = subprocess.run(
        [sys.executable, "-m", "cfkd_core", *map(str, args)],
        cwd=cwd,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | more,
    )
    assert b"Traceback" not in done.stderr
    return done


def test_a_relative_name_with_colons_is_tracked(film, tmp_path):
    film.rename(tmp_path / "12:30:05.avi")
    done = shell("track", "12:30:05.avi", *BOX, "--boxes", "/dev/stdout", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"frame,x,y,w,h,score,status,seconds\n0,20.0000,")
    assert b"wrote /dev/stdout" in done.stdout


@pytest.mark.parametrize("args", [("--help",), ("track", "--help"), ("track", "f\u00fcr.mp4")])
def test_an_ascii_terminal_is_enough(tmp_path, args):
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"}
    done = shell(*args, *(BOX if len(args) == 2 and args[1] != "--help" else ()), cwd=tmp_path,
                 **ascii_only)  # fmt: skip
    assert done.returncode == (0 if "--help" in args else 2)
    assert done.stdout + done.stderr
