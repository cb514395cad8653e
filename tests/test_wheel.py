"""The wheel in an environment of its own, with the library's dependencies and nothing else.

Nothing is downloaded but the build's backend: the environment gets links to what is installed here,
to just the distributions that the wheel's metadata asks for. What belongs to the book, or lies in
the checkout, is not there.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

# Tests of what an installed library is for; those of the book and of recorded runs need a checkout.
PARTS = (
    "tests/models",
    "tests/tracking",
    "tests/losses",
    "tests/test_boxes.py",
    "tests/test_ops.py",
)


def closure(requirements, extras=("",)):
    """Names of the distributions that these requirements bring, extras resolved."""
    names, pending = set(), [(Requirement(each), extras) for each in requirements]
    while pending:
        requirement, wanted = pending.pop()
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in wanted):
            continue
        if requirement.name in names and not requirement.extras:
            continue
        names.add(requirement.name)
        further = metadata.requires(requirement.name) or []
        pending += [(Requirement(each), ("", *requirement.extras)) for each in further]
    return names


def link(names, site):
    """Links the files of distributions into a folder of packages."""
    for name in names:
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for top in tops:
            source = Path(distribution.locate_file(top))
            if source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built as `pip install .` builds it."""
    pip = [str(Path(sys.base_prefix) / "bin" / "python3"), "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode:
        pytest.skip(f"{pip[0]} has no pip")
    folder = tmp_path_factory.mktemp("wheel")
    command = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    (file,) = folder.glob("cfkd-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` of an environment with the wheel and its dependencies."""
    place = tmp_path_factory.mktemp("clean") / "venv"
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    subprocess.run([base, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    command = [base, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(command, check=True)
    (site,) = place.glob("lib/python3*/site-packages")
    (own,) = metadata.distributions(name="cfkd", path=[str(site)])
    link(closure(own.requires), site)
    return place / "bin"


def call(program, *arguments, folder):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [program, *map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_command_is_there_and_well(installed, tmp_path):
    done = call(installed / "cfkd", "doctor", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    states = {each["subject"]: each["state"] for each in json.loads(done.stdout)}
    assert (states["weights"], states["torch"], states["opencv"]) == ("ok", "ok", "ok")
    assert states["kernel"] == "note"  # the book's, and not here


def test_it_tracks_with_the_weights_that_it_brings(installed, tmp_path):
    video = tmp_path / "cup.mp4"
    done = call(installed / "cfkd", "film", "syn_clutter_cup", "--output", video,
                "--length", 8, folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = call(installed / "cfkd", "track", video, "--box", "226,39,49,62", "--tracker", "matom",
                "--json", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 8


def test_all_but_the_figures_imports_without_the_books_packages(installed, tmp_path):
    program = """
import importlib, importlib.util, pkgutil, cfkd_core
assert "site-packages" in cfkd_core.__file__, cfkd_core.__file__
assert not any(map(importlib.util.find_spec, ("matplotlib", "ipywidgets", "papermill", "sphinx")))
for module in pkgutil.walk_packages(cfkd_core.__path__, "cfkd_core."):
    # the figures need matplotlib, the graphs the extra `onnx`
    if not module.name.startswith(("cfkd_core.figures", "cfkd_core.models.export",
                                   "cfkd_core.models.onnx_", "cfkd_core.models.quantise")):
        importlib.import_module(module.name)
"""
    done = call(installed / "python", "-c", program, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_weights_that_have_gone_say_what_to_do(installed, tmp_path):
    (folder,) = installed.parent.glob("lib/python3*/site-packages/cfkd_core/_data/weights")
    file = folder / "matom.safetensors"
    file.rename(tmp_path / "kept")
    try:
        done = call(installed / "cfkd", "doctor", folder=tmp_path)
    finally:
        (tmp_path / "kept").rename(file)
    assert done.returncode == 1
    assert "-> it comes with the project: pip install --force-reinstall --no-deps" in done.stdout


def test_what_needs_no_repository_passes_on_the_wheel(installed, tmp_path):
    shutil.copytree(ROOT / "tests", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    # the tests' own packages, and those of figures and explorers, but not this checkout
    here = next(path for path in sys.path if path.endswith("site-packages"))
    program = (
        f"import sys; sys.path.append({here!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [installed / "python", "-c", program, "-m", "not slow", "-p", "no:cacheprovider", *PARTS],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
