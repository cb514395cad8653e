"""What others build on: there, documented and typed, and cheap to import."""

import inspect
import subprocess
import sys
from importlib import import_module, resources

import cv2
import numpy as np
import pytest

import cfkd_core
from cfkd_core import paths

MODULES = (
    "boxes",
    "ops",
    "losses.features",
    "losses.iou",
    "losses.rivals",
    "models.weights",
    "benchmarks.metrics",
    "benchmarks.protocols",
)


def functions_of(thing):
    """The functions that a caller of a public name can call."""
    if inspect.isfunction(thing):
        return [thing]
    return [
        each
        for name, each in vars(thing).items()
        if inspect.isfunction(each) and (not name.startswith("_") or name == "__init__")
        if each.__module__ == thing.__module__  # a protocol's __init__ is typing's
    ]


def untyped(function):
    """Parameters, or the return, without an annotation."""
    signature = inspect.signature(function)
    bare = [
        name
        for name, each in signature.parameters.items()
        if each.annotation is inspect.Parameter.empty and name not in ("self", "cls")
    ]
    returns = signature.return_annotation is inspect.Signature.empty
    return bare + ["return"] * (returns and function.__name__ != "__init__")


@pytest.mark.parametrize("name", cfkd_core.__all__)
def test_a_public_name_is_there_documented_and_typed(name):
    thing = getattr(cfkd_core, name)
    assert inspect.getdoc(thing)
    for function in functions_of(thing):
        assert untyped(function) == [], function.__qualname__


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_is_documented_and_typed(name):
    module = import_module(f"cfkd_core.{name}")
    assert module.__doc__
    for label, each in vars(module).items():
        own = inspect.isfunction(each) and each.__module__.startswith("cfkd_core")
        if own and not label.startswith("_"):
            assert inspect.getdoc(each), label
            assert untyped(each) == [], label


def test_checkers_are_told_that_the_package_is_typed():
    assert resources.files("cfkd_core").joinpath("py.typed").is_file()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'load_trucker'"):
        _ = cfkd_core.load_trucker


def test_the_package_alone_does_not_load_torch():
    code = "import sys, cfkd_core, cfkd_core.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_path_may_be_text(tmp_path):
    """As the README and everybody writes it."""
    frames = np.random.default_rng(0).integers(0, 255, (2, 60, 80, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    found = cfkd_core.open_frames(str(tmp_path))
    assert len(found) == 2
    weights = str(paths.WEIGHTS / "cfkd_resnet18_t.safetensors")
    tracker = cfkd_core.load_tracker("matom-thesis", weights=weights, runtime="torch")
    tracked = cfkd_core.track(tracker, found, np.array([20.0, 20, 30, 25]))
    tracked.to_csv(str(tmp_path / "boxes.csv"))
    assert len((tmp_path / "boxes.csv").read_text().splitlines()) == 3
    with pytest.raises(cfkd_core.InputError, match="nowhere"):
        cfkd_core.load_benchmark("otb", "nowhere")
