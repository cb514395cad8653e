import json
import shutil
from importlib import metadata
from types import SimpleNamespace

import pytest

from cfkd_core import doctor, paths
from cfkd_core.__main__ import main


def versions(monkeypatch, **installed):
    """Pretends that these distributions are installed, by name with underscores, and no other."""

    def version(name):
        try:
            return installed[name.replace("-", "_")]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(doctor.metadata, "version", version)


def test_this_environment_is_well(capsys):
    assert main(["doctor", "--json"]) == 0
    findings = {each["subject"]: each for each in json.loads(capsys.readouterr().out)}
    assert list(findings) == list(doctor.CHECKS)
    assert {findings[name]["state"] for name in ("torch", "opencv", "weights")} == {"ok"}
    assert all(each["remedy"] for each in findings.values() if each["state"] != "ok")


def test_what_is_wrong_is_the_exit_code_and_has_its_remedy_below(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith("wrong  weights"))
    assert "atom.safetensors: no such weights file" in lines[number]
    assert lines[number + 1].strip() == f"-> {paths.RESTORE}"


def test_damaged_weights_are_named(monkeypatch, tmp_path):
    folder = shutil.copytree(paths.WEIGHTS, tmp_path / "weights")
    monkeypatch.setattr(paths, "WEIGHTS", folder)
    assert doctor.weights().state == "ok"
    with (folder / "matom.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    found = doctor.weights()
    assert found.state == "wrong"
    assert "matom.safetensors: damaged" in found.found


@pytest.mark.parametrize(
    ("torch", "torchvision", "state"),
    [
        ("2.13.0", "0.28.0", "ok"),
        ("2.6.0+cpu", "0.21.0+cu124", "ok"),
        ("2.13.0", "0.27.1", "wrong"),
    ],
)
def test_torch_and_torchvision_must_be_of_one_release(monkeypatch, torch, torchvision, state):
    versions(monkeypatch, torch=torch, torchvision=torchvision)
    found = doctor.torch()
    assert found.state == state
    assert found.remedy == ("" if state == "ok" else "pip install 'torchvision~=0.28.0'")


def test_two_opencvs_are_one_too_many(monkeypatch):
    both = {"opencv_python": "5.0.0", "opencv_contrib_python_headless": "5.0.0"}
    versions(monkeypatch, **both)
    found = doctor.opencv()
    assert found.state == "wrong"
    assert "opencv-python 5.0.0" in found.found
    assert found.remedy.startswith("pip uninstall -y opencv-contrib-python-headless ")


def test_an_opencv_without_csrt_is_the_wrong_wheel(monkeypatch):
    versions(monkeypatch, opencv_python="5.0.0")
    monkeypatch.setitem(doctor.sys.modules, "cv2", SimpleNamespace(__spec__=object()))
    assert "without the tracker CSRT" in doctor.opencv().found


def test_a_broken_package_is_a_finding_and_the_others_are_examined(monkeypatch):
    def broken():
        raise ModuleNotFoundError("No module named 'torchvision'", name="torchvision")

    monkeypatch.setitem(doctor.CHECKS, "torch", broken)
    findings = {each.subject: each for each in doctor.examine()}
    assert findings["torch"].state == "wrong"
    assert findings["torch"].remedy == "pip install torchvision"
    assert findings["weights"].state == "ok"


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 4), "wrong"), ((3, 11, 2), "ok"), ((3, 14, 0), "note")]
)
def test_python_is_the_tested_one(monkeypatch, version, state):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    assert doctor.python().state == state


@pytest.mark.parametrize(("free", "state"), [(0.1e9, "wrong"), (1e9, "note"), (9e9, "ok")])
def test_a_full_disk_is_noticed_before_a_run(monkeypatch, tmp_path, free, state):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert doctor.disk(tmp_path).state == state


def test_data_sets_are_looked_for_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.delenv("CFKD_DATA", raising=False)
    assert doctor.datasets().state == "note"
    monkeypatch.setenv("CFKD_DATA", str(tmp_path / "nowhere"))
    assert doctor.datasets().state == "wrong"
    (tmp_path / "otb").mkdir()
    monkeypatch.setenv("CFKD_DATA", str(tmp_path))
    found = doctor.datasets()
    assert found.found.startswith("synthetic and otb in ")
    assert "lasot" in found.remedy


def test_a_kernel_that_starts_nothing_is_found(monkeypatch, tmp_path):
    versions(monkeypatch, ipykernel="7.4.0")
    monkeypatch.setattr(doctor.sys, "prefix", str(tmp_path))
    assert "is missing" in doctor.kernel().found
    spec = tmp_path / "share/jupyter/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": [str(tmp_path / "gone/python")]}))
    assert "which has gone" in doctor.kernel().found
    spec.write_text(json.dumps({"argv": ["python"]}))
    assert doctor.kernel().state == "ok"
    versions(monkeypatch)
    assert doctor.kernel().state == "note"


def test_every_card_that_ships_has_its_weights():
    cards = {path.stem for path in paths.WEIGHTS.glob("*.json")}
    kinds = ("*.safetensors", "*.onnx")
    assert cards == {path.stem for kind in kinds for path in paths.WEIGHTS.glob(kind)}
    assert set(doctor.WEIGHTS) <= cards
