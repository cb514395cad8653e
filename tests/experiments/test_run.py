"""From a name to weights that a tracker can load."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core.__main__ import main
from cfkd_core.datasets.pairs import Source
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.sources import parse_source
from cfkd_core.errors import InputError
from cfkd_core.experiments import run as running
from cfkd_core.experiments.card import curves
from cfkd_core.experiments.recipes import resolve
from cfkd_core.experiments.rows import EXPERIMENTS
from cfkd_core.experiments.run import RunOptions, build_distiller, launch, run, split
from cfkd_core.models import weights
from cfkd_core.models.atom import ARCHITECTURES, build
from cfkd_core.models.backbones import build_backbone
from cfkd_core.tracking.load import find_weights, tracker_for

SMALL_TEACHERS = {
    name: replace(resolve(name, "mini").architecture, backbone="resnet18_t", width=8)
    for name in ("atom", "drnet")
}


@pytest.fixture(scope="module")
def fabric():
    return launch("cpu", 1, 1, "32-true")


@pytest.fixture(scope="module")
def sources():
    return [parse_source("synthetic:4")]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """Files of small networks with random weights, by the teacher's name."""
    folder = tmp_path_factory.mktemp("teachers")
    files = {name: folder / f"{name}.safetensors" for name in SMALL_TEACHERS}
    for name, file in files.items():
        torch.manual_seed(0)
        weights.save(build(SMALL_TEACHERS[name]), file, {"origin": "a test", "licence": "MIT"})
    return files


@pytest.mark.parametrize("teacher", ["atom", "drnet"])
def test_every_student_trains_can_be_loaded_and_each_kind_tracks(
    teacher, teachers, sources, fabric, tmp_path
):
    names = [name for name, each in EXPERIMENTS.items() if each.teacher == teacher]
    experiments = [resolve(name, "mini", smoke=True) for name in names]
    options = RunOptions(teacher=teachers[teacher])
    files = run(experiments, sources, tmp_path, fabric, options, "mini")
    assert [file.stem for file in files] == names
    for experiment, file in zip(experiments, files, strict=True):
        net = weights.load(file)
        assert net.architecture == experiment.architecture
        card = json.loads(file.with_suffix(".json").read_text())
        assert card["reproduces"] == experiment.reproduces
        assert card["seed"] == 0
        assert (card["backbone_from"] == "random") == (experiment.start == "random")
        assert set(card["curves"]) == experiment.terms | {"total", "gradient", "lr"}
        assert card["data"] == {"synthetic": {"weight": 1.0}}
    for net in {net.architecture: net for net in map(weights.load, files)}.values():
        film = sources[0].sequences[0]
        tracker = tracker_for(net, "student")
        tracker.init(film.frames[0], film.boxes[0])
        assert tracker.update(film.frames[1]).box.shape == (4,)


def test_a_teacher_trains_from_a_file_of_weights(sources, fabric, tmp_path):
    torch.manual_seed(0)
    backbone = build_backbone("resnet18")
    file = tmp_path / "resnet18.pth"
    names = backbone.torchvision_names
    state = {
        names[own] + key.removeprefix(own): value
        for key, value in backbone.state_dict().items()
        for own in names
        if key.startswith(own)
    }
    torch.save(state, file)
    options = RunOptions(files={"resnet18": file})
    experiments = [resolve(name, "mini", smoke=True) for name in ("atom", "drnet")]
    distiller = build_distiller(experiments, options)
    assert distiller.students["atom"].backbone is distiller.students["drnet"].backbone
    files = run(experiments, sources, tmp_path / "out", fabric, options, "mini")
    card = json.loads(files[0].with_suffix(".json").read_text())
    assert card["backbone_from"].startswith("resnet18.pth, SHA-256 ")
    # the backbone is what it was, the large tensors rounded to half precision
    for path in files:
        trained = weights.load(path).backbone.state_dict()
        for key, value in backbone.state_dict().items():
            torch.testing.assert_close(trained[key], value, rtol=1e-3, atol=1e-6)


def test_students_of_one_architecture_start_alike(teachers):
    experiments = [resolve(name, "mini") for name in ("ablation_gt", "cfkd", "cfkd_imagenet")]
    distiller = build_distiller(experiments, RunOptions(teacher=teachers["atom"]))
    gt, cfkd, fresh = (distiller.students[each.name].state_dict() for each in experiments)
    assert all(torch.equal(gt[key], cfkd[key]) for key in gt)
    heads = [key for key in gt if key.startswith("iou_head")]
    assert all(torch.equal(gt[key], fresh[key]) for key in heads)
    assert not torch.equal(gt["backbone.block1.0.weight"], fresh["backbone.block1.0.weight"])


def test_one_sequence_in_ten_is_kept_from_training():
    picture, box = np.zeros((4, 4, 3), np.uint8), np.ones((1, 4))
    seen = np.ones(1, bool)
    films = [Sequence(f"film{i}", [picture], box, seen) for i in range(200)]
    learnt, held_out = split([Source("films", films)])
    names = [{each.name for each in part[0].sequences} for part in (learnt, held_out)]
    assert names[0] | names[1] == {film.name for film in films}
    assert not names[0] & names[1]
    assert len(names[1]) == pytest.approx(20, abs=10)


def test_a_missing_teacher_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(running.paths, "WEIGHTS", tmp_path)
    with pytest.raises(InputError, match=r"atom\.safetensors: no weights of the teacher atom"):
        build_distiller([resolve("cfkd", "mini")], RunOptions())


def test_curves_are_means_of_equal_parts():
    entries = [{"step": i, "seconds": 1.0, "total": float(i)} for i in range(100)]
    assert curves(entries, points=4) == {"total": [12.0, 37.0, 62.0, 87.0]}
    assert curves(entries[:2], points=4) == {"total": [0.0, 1.0]}
    assert curves([]) == {}


def test_the_command_trains_from_a_name(teachers, tmp_path, capsys):
    args = ["train", "ablation_ts", "--smoke", "--data", "synthetic:4", "--out", str(tmp_path)]
    code = main([*args, "--teacher", str(teachers["atom"]), "--accelerator", "cpu"])
    assert code == 0
    assert f"wrote {tmp_path / 'ablation_ts.safetensors'}" in capsys.readouterr().out


def test_a_finished_run_says_so_and_leaves_its_files(teachers, tmp_path, capsys):
    args = ["train", "ablation_ts", "--smoke", "--data", "synthetic:4", "--out", str(tmp_path)]
    args += ["--teacher", str(teachers["atom"]), "--accelerator", "cpu"]
    assert main(args) == 0
    before = {file: file.read_bytes() for file in tmp_path.glob("*.*") if file.suffix != ".lock"}
    capsys.readouterr()
    assert main(args) == 0
    assert "has ended before; nothing was left to do" in capsys.readouterr().out
    for file, content in before.items():
        assert file.read_bytes() == content, file


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (["--data", "synthetic:5"], "data"),
        (["--start", "START"], "first weights"),
        (["--teacher", "OTHER"], "first weights"),
        (["--seed", "1"], "seed, first weights"),
    ],
)
def test_a_run_is_not_gone_on_with_when_what_decides_it_has_changed(
    change, what, teachers, tmp_path, capsys
):
    args = ["train", "ablation_ts", "--smoke", "--out", str(tmp_path), "--accelerator", "cpu"]
    usual = {"--data": "synthetic:4", "--teacher": str(teachers["atom"])}
    assert main([*args, *(part for option in usual.items() for part in option)]) == 0
    torch.manual_seed(7)
    other = tmp_path / "other.safetensors"
    architecture = SMALL_TEACHERS["atom"] if "OTHER" in change else ARCHITECTURES["matom"]
    weights.save(build(architecture), other, {"origin": "a test", "licence": "MIT"})
    (option, value) = change
    changed = usual | {option: value if value not in ("START", "OTHER") else str(other)}
    assert main([*args, *(part for option in changed.items() for part in option)]) == 2
    assert f"of another training ({what} changed)" in capsys.readouterr().err


def test_weights_to_start_from_are_not_overwritten(teachers, tmp_path, capsys):
    args = ["train", "ablation_ts", "--smoke", "--data", "synthetic:4", "--out", str(tmp_path)]
    args += ["--teacher", str(teachers["atom"]), "--accelerator", "cpu"]
    own = tmp_path / "ablation_ts.safetensors"
    torch.manual_seed(7)
    weights.save(build(ARCHITECTURES["matom"]), own, {"origin": "a test", "licence": "MIT"})
    assert main([*args, "--start", str(own)]) == 2
    assert "is an input of this command; name another output" in capsys.readouterr().err


def test_a_dry_run_prints_the_experiment_and_trains_nothing(capsys, tmp_path):
    assert (
        main(["train", "cfkd,wang", "--dry-run", "--recipe", "paper", "--out", str(tmp_path)]) == 0
    )
    out = capsys.readouterr().out
    assert "cfkd: mATOM as the thesis has it" in out
    assert "590,689 parameters" in out
    assert "50,000 steps of 32 pairs" in out
    assert "tracking_per_channel" in out
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "cfdk"], "experiment 'cfdk': unknown"),
        (["train", "cfkd,mdrnet", "--smoke"], "cannot be trained together: teacher"),
        (["train", "atom", "--data", "/nowhere"], "/nowhere: no such folder"),
        (["train", "atom", "--backbones", "resnet18=nowhere.pth"], "expected NAME=FILE"),
        (["train", "atom", "--data", "synthetic:1@-1"], "weight"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args, message, capsys, tmp_path):
    assert main([*args, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1


def test_fine_tuning_goes_on_from_weights_that_ship():
    file = find_weights("matom")
    experiment = resolve("matom", "mini", smoke=True)
    distiller = build_distiller([experiment], RunOptions(start=file))
    given, taken = weights.load(file).state_dict(), distiller.students["matom"].state_dict()
    assert all(torch.equal(given[name], taken[name]) for name in given)


def test_fine_tuning_another_architecture_is_refused():
    experiment = resolve("cfkd_resnet18_t", "mini", smoke=True)
    with pytest.raises(InputError, match="choose an experiment of the same, or another file"):
        build_distiller([experiment], RunOptions(start=find_weights("matom")))


def test_weights_to_go_on_from_must_be_there():
    with pytest.raises(
        InputError, match=r"weights magic: no such file, and not one of ablation_gt, .*matom"
    ):
        find_weights("magic")


def test_a_single_video_is_learnt_from_and_not_held_out():
    frames = [np.zeros((8, 8, 3), np.uint8)] * 2
    for number in range(40):  # one name in ten would be held out
        alone = Sequence(f"clip{number}", frames, np.ones((2, 4)), np.ones(2, bool))
        learnt, held_out = split([Source("mine", [alone])])
        assert [len(source.sequences) for source in learnt] == [1]
        assert held_out == []
