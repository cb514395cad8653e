"""What `export` writes, used as somebody would who has neither torch nor this project."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

import cfkd_core
from cfkd_core.datasets.photographs import photograph
from cfkd_core.datasets.sources import parse_source
from cfkd_core.errors import InputError
from cfkd_core.models import whole_numbers
from cfkd_core.tracking.attune import AttuneOptions
from cfkd_core.tracking.export import calibration_patches, export, write_int8

onnxruntime = pytest.importorskip("onnxruntime")


class Folder:
    """An exported tracker, known from its files alone."""

    def __init__(self, folder):
        self.metadata = json.loads((folder / "metadata.json").read_text())
        self.sessions = {}
        for name, graph in self.metadata["graphs"].items():
            content = (folder / graph["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == graph["sha256"]
            self.sessions[name] = onnxruntime.InferenceSession(
                content, providers=["CPUExecutionProvider"]
            )

    def ask(self, name, **values):
        """The outputs of a graph by their names."""
        graph = self.metadata["graphs"][name]
        assert set(values) == set(graph["inputs"])
        return dict(zip(graph["outputs"], self.sessions[name].run(None, values), strict=True))


def test_the_graphs_alone_give_the_trackers_answers(tmp_path):
    """One frame of mATOM with its head: features, target, and the climb of ten proposals."""
    tracker = cfkd_core.load_tracker("matom", runtime="torch")
    # what the first frame tunes is learnt, and no graph's business
    tracker.options = replace(tracker.options, attune=AttuneOptions(steps=0))
    frame, box = photograph("cat"), np.array([160.0, 60, 100, 100])
    tracker.init(frame, box)
    looked = tracker.look(frame)
    climbed = tracker.climb(looked, box)

    *graphs, metadata = export(tracker, tmp_path / "new")
    assert [each.name for each in (*graphs, metadata)] == [
        *("search.onnx", "target.onnx", "judge.onnx"),
        "metadata.json",
    ]
    alone = Folder(tmp_path / "new")
    assert alone.metadata["pixels"]["size"] == looked.patch.size
    assert alone.metadata["tracker"]["options"]["refine"]["steps"] == len(climbed.iou)
    pixels = looked.patch.pixels[None]
    seen = alone.ask("search", pixels=pixels)
    expected = looked.features.level3.permute(0, 2, 3, 1)
    np.testing.assert_allclose(seen["level3"], expected, atol=1e-4)
    patch_box = looked.patch.to_patch(box)[None].astype(np.float32)
    target = alone.ask("target", pixels=pixels, box=patch_box)
    np.testing.assert_allclose(target["modulation3"], tracker.modulation.level3, atol=1e-3)
    proposals = climbed.path[0].numpy()
    for expected in climbed.iou:
        judged = alone.ask(
            "judge", level3=seen["level3"], level4=seen["level4"], proposals=proposals, **target
        )
        np.testing.assert_allclose(judged["iou"], expected, atol=1e-4)
        proposals = proposals + judged["slope"] * np.tile(proposals[:, 2:], 2)
    np.testing.assert_allclose(proposals, climbed.path[-1], atol=1e-2)


def test_a_tracker_without_a_head_has_one_graph_and_another_in_int8(tmp_path):
    tracker = cfkd_core.load_tracker("classifier", runtime="torch")
    written = export(tracker, tmp_path, [parse_source("synthetic:8")])
    assert [each.stem for each in written] == ["search", "search_int8", "metadata"]
    alone = Folder(tmp_path)
    assert alone.metadata["network"] == {"backbone": "mobilenet_v2", "head": "none", "width": 0}
    assert alone.metadata["tracker"]["weights"] == tracker.card["weights"]
    assert alone.metadata["graphs"]["search"]["outputs"] == {"block4": ["b", 64, "h4", "w4"]}
    whole, half = (written[1].stat().st_size, written[0].stat().st_size // 2)
    assert whole < half

    pixels = photograph("cat")[:288, 90:378]
    exact, rounded = (
        alone.ask(name, pixels=pixels[None])["block4"] for name in ("search", "search_int8")
    )
    error = np.sqrt(np.square(rounded - exact).mean() / np.square(exact).mean())
    assert 0 < error < 0.2  # a third and more, were the first layers rounded, too


def test_a_graph_to_ship_is_found_by_its_network(tmp_path, monkeypatch):
    monkeypatch.setattr("cfkd_core.tracking.export.PATCHES", 2)
    tracker = cfkd_core.load_tracker("cfkd_resnet18_t", runtime="torch")
    write_int8(tracker, [parse_source("synthetic:2")], tmp_path / "t_int8.onnx")
    card = json.loads((tmp_path / "t_int8.json").read_text())
    assert (card["calibrated_on"], card["patches"]) == (["synthetic"], 2)
    graph = whole_numbers.find(tracker.card["weights"], tmp_path)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    pixels = photograph("cat")[None, :288, 90:378]
    assert session.run(["level3"], {"pixels": pixels})[0].shape == (1, 36, 36, 32)


def test_calibration_sees_what_the_tracker_sees():
    options = cfkd_core.load_tracker("mdrnet", runtime="torch").options
    patches = calibration_patches([parse_source("synthetic:2")], options, count=3)
    assert [(patch.shape, patch.dtype) for patch in patches] == [((1, 320, 320, 3), np.uint8)] * 3
    assert all(patch.min() < 64 < 128 < patch.max() for patch in patches)


def test_what_has_no_network_cannot_be_exported(tmp_path):
    with pytest.raises(InputError, match="tracker kcf: has no network to export"):
        export(cfkd_core.load_tracker("kcf"), tmp_path)
