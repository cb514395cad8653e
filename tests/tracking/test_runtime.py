"""What runs the network: the same answers, on as many threads as torch has."""

import hashlib
import sys

import numpy as np
import pytest
import torch

import cfkd_core
from cfkd_core import paths
from cfkd_core.datasets.photographs import photograph
from cfkd_core.errors import InputError
from cfkd_core.models import whole_numbers
from cfkd_core.models.atom import Architecture, AtomNet, build
from cfkd_core.tracking import runtime
from cfkd_core.tracking.runtime import EXACT, OnnxRuntime, TorchRuntime, choose, start

PIXELS = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return build(Architecture("mobilenet_v2", "iou", 8)).eval().requires_grad_(False)


@torch.no_grad()
def test_both_see_the_same(net):
    pytest.importorskip("onnxruntime")
    found, expected = OnnxRuntime(net).see(PIXELS), TorchRuntime(net).see(PIXELS)
    assert found.block4.shape == (1, 64, 6, 6)
    pairs = zip(found.features, expected.features, strict=True)
    for a, b in ((found.block4, expected.block4), *pairs):
        torch.testing.assert_close(a, b, atol=1e-5 * float(b.abs().max()), rtol=0)


@torch.no_grad()
def test_a_backbone_alone_has_no_features(net):
    pytest.importorskip("onnxruntime")
    alone = AtomNet(net.backbone, None).eval()
    for each in (OnnxRuntime(alone), TorchRuntime(alone)):
        assert each.see(PIXELS).features is None


@pytest.mark.parametrize("threads", [1, 2])
def test_it_has_as_many_threads_as_torch(net, threads):
    pytest.importorskip("onnxruntime")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        session = OnnxRuntime(net)._session
    finally:
        torch.set_num_threads(before)
    assert session.get_session_options().intra_op_num_threads == threads


def test_auto_is_the_fastest_that_is_there(net, monkeypatch):
    pytest.importorskip("onnxruntime")
    assert choose("auto", net).name == "onnxruntime"
    assert choose("torch", net).name == "torch"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert choose("auto", net).name == "torch"


@torch.no_grad()
def test_whole_numbers_are_near_the_networks_own():
    pytest.importorskip("onnxruntime")
    whole, exact = (cfkd_core.load_tracker("matom", runtime=each) for each in ("int8", "torch"))
    pixels = np.ascontiguousarray(photograph("cat")[:288, 90:378])
    found, expected = (each.runtime.see(pixels).block4 for each in (whole, exact))
    error = float(((found - expected).square().mean() / expected.square().mean()).sqrt())
    assert 0 < error < 0.2
    graph = (paths.WEIGHTS / "matom_int8.onnx").read_bytes()
    made_of = {"runtime": "int8", "graph": hashlib.sha256(graph).hexdigest()}
    assert whole.card == exact.card | made_of | {"sums": "exact"}


@pytest.mark.parametrize("vnni", [True, False])
def test_int8_gives_the_same_answers_on_every_processor(monkeypatch, vnni):
    """What saturates on a processor without VNNI is asked for in another way there."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(runtime, "has_vnni", lambda: vnni)
    pixels = np.ascontiguousarray(photograph("cat")[:288, 90:378])
    tracker = cfkd_core.load_tracker("matom", runtime="int8")
    graph = (paths.WEIGHTS / "matom_int8.onnx").read_bytes()
    exact = torch.from_numpy(start(graph, EXACT).run(None, {"pixels": pixels[None]})[0])
    assert torch.equal(tracker.runtime.see(pixels).block4, exact)
    options = tracker.runtime._session.get_session_options()
    assert vnni or options.get_session_config_entry("session.x64quantprecision") == "1"


def test_only_what_ships_runs_in_whole_numbers():
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="no graph in whole numbers ships for this network"):
        cfkd_core.load_tracker("classifier", runtime="int8")


def test_a_graph_that_has_gone_or_is_damaged_is_named(tmp_path):
    path = tmp_path / "a_int8.onnx"
    whole_numbers.write(b"graph", path, {"network": "n"})
    assert whole_numbers.find("n", tmp_path) == b"graph"
    path.write_bytes(b"grape")
    with pytest.raises(InputError, match=r"a_int8\.onnx: damaged"):
        whole_numbers.find("n", tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"a_int8\.onnx: missing"):
        whole_numbers.find("n", tmp_path)
    path.with_suffix(".json").write_text("[]")
    with pytest.raises(InputError, match="not the card of a graph"):
        whole_numbers.find("n", tmp_path)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_packages_it_says_what_to_install(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"pip install 'cfkd\[onnx\]'"):
        cfkd_core.load_tracker("classifier", runtime="onnxruntime")
    assert cfkd_core.load_tracker("classifier").runtime.name == "torch"


def test_an_unknown_runtime_says_which_there_are(net):
    with pytest.raises(InputError, match="runtime tpu: choose one of auto, torch, onnxruntime"):
        choose("tpu", net)
    with pytest.raises(InputError, match="choose torch for a GPU"):
        OnnxRuntime(build(Architecture("resnet18_t", "none", 0)).to("meta").eval())
