"""Networks in files: our own, and the published ones."""

import collections
import json
import os
import resource

import numpy as np
import pytest
import torch

from cfkd_core.errors import InputError
from cfkd_core.models import tensor_file, weights
from cfkd_core.models.atom import ARCHITECTURES, AtomNet, build_atom
from cfkd_core.models.backbones import SHIPPED, build_backbone, imagenet_backbone

CARD = {"origin": "random", "licence": "MIT"}


def with_random_statistics(net):
    """Running statistics as training leaves them, from tiny to large."""
    generator = torch.Generator().manual_seed(0)
    for name, buffer in net.named_buffers():
        if "running_var" in name:
            buffer.copy_(10 ** torch.empty_like(buffer).uniform_(-9, 6, generator=generator))
    return net.eval()


def same_parameters(first, second, rtol):
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(
            second.state_dict()[name], tensor, rtol=rtol, atol=1e-6, msg=lambda m, n=name: n + m
        )


# --- our own files


@pytest.mark.parametrize("name", ["matom", "mdrnet", "atom_t"])
def test_a_network_comes_back(name, tmp_path):
    net = with_random_statistics(build_atom(name))
    weights.save(net, tmp_path / "net.safetensors", CARD)
    loaded = weights.load(tmp_path / "net.safetensors")
    assert loaded.architecture == net.architecture
    assert not loaded.training
    same_parameters(net, loaded, rtol=2**-10)
    for buffer, again in zip(net.buffers(), loaded.buffers(), strict=True):
        assert torch.equal(buffer, again)


def test_a_backbone_alone_comes_back(tmp_path):
    net = AtomNet(build_backbone("mobilenet_v2_c96"), None)
    weights.save(net, tmp_path / "net.safetensors", CARD)
    assert weights.load(tmp_path / "net.safetensors").architecture == net.architecture


def test_the_file_is_half_and_the_card_describes_it(tmp_path):
    path = tmp_path / "net.safetensors"
    weights.save(build_atom("matom"), path, CARD)
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size < 0.6 * 4 * (239_360 + 351_329)
    assert card["bytes"] == path.stat().st_size
    assert card["sha256"] == tensor_file.sha256(path)
    assert card["architecture"] == {"backbone": "mobilenet_v2", "head": "iou", "width": 64}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.safetensors"]
    umask = os.umask(0)
    os.umask(umask)
    for each in (path, path.with_suffix(".json")):  # others of the same machine may read them
        assert each.stat().st_mode & 0o777 == 0o666 & ~umask


def test_the_same_network_gives_the_same_file(tmp_path):
    net = build_atom("atom_t")
    files = [tmp_path / f"{number}.safetensors" for number in range(4)]
    for file in files:
        weights.save(net, file, CARD)
    assert len({file.read_bytes() for file in files}) == 1


def test_a_weight_beyond_float16_is_kept(tmp_path):
    net = build_atom("atom_t")
    with torch.no_grad():
        net.iou_head.fc3[0].weight[0, 0] = 1e6
    weights.save(net, tmp_path / "net.safetensors", CARD)
    assert weights.load(tmp_path / "net.safetensors").iou_head.fc3[0].weight[0, 0] == 1e6


def test_a_card_without_a_licence_is_refused(tmp_path):
    with pytest.raises(InputError, match="lacks licence"):
        weights.save(build_atom("atom_t"), tmp_path / "net.safetensors", {"origin": "here"})


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: path.unlink(), "no such weights file"),
        (lambda path: path.with_suffix(".json").unlink(), "travel with their card"),
        (lambda path: path.with_suffix(".json").write_text("{"), "not a JSON file"),
        (lambda path: path.with_suffix(".json").write_text("[]"), "not a card"),
        (flip_a_bit, "damaged, or not the file its card describes"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "not a safetensors file"),
        (lambda path: path.write_text("hello"), "not a safetensors file"),
    ],
)
def test_a_missing_or_damaged_file_is_refused(harm, message, tmp_path):
    path = tmp_path / "net.safetensors"
    weights.save(build_atom("atom_t"), path, CARD)
    harm(path)
    with pytest.raises(InputError, match=message):
        weights.load(path)


@pytest.mark.parametrize(
    ("state", "words", "message"),
    [
        ({}, {}, "not a network of this project"),
        ({}, {"backbone": "resnet18_t", "head": "iou", "width": "9" * 30}, "not a network of"),
        ({}, {"backbone": "resnet18_t", "head": "none", "width": "0"}, "it lacks backbone.block1"),
        (
            {"evil": torch.ones(1)},
            {"backbone": "resnet18_t", "head": "none", "width": "0"},
            "has unknown evil",
        ),
    ],
)
def test_other_tensors_are_refused(state, words, message, tmp_path):
    path = tmp_path / "net.safetensors"
    tensor_file.write(state or {"x": torch.ones(1)}, path, CARD, words)
    with pytest.raises(InputError, match=message):
        weights.load(path)


def test_every_shipped_file_agrees_with_its_card():
    for path in SHIPPED.values():
        tensor_file.check_card(path)
        assert {"origin", "licence"} <= tensor_file.read_card(path).keys()


# --- published files


def test_the_authors_student_is_reproduced(shared):
    """Random weights in the original names, with what the author's own code computes from them."""
    folder = shared / "oracles" / "atom"
    net = weights.import_pytracking(folder / "matom_random_state.pth")
    assert net.architecture == ARCHITECTURES["matom"]
    expected = np.load(folder / "matom_random_io.npz")
    target, search = torch.from_numpy(expected["images"]).permute(0, 3, 1, 2).div(255).split(2)
    with torch.no_grad():
        output = net(
            target,
            torch.from_numpy(expected["target_box"]),
            search,
            torch.from_numpy(expected["proposals"]),
        )
    close = {"rtol": 1e-4, "atol": 1e-6}
    torch.testing.assert_close(output.iou, torch.from_numpy(expected["iou"]), **close)
    block4 = torch.from_numpy(expected["search_block4"])
    # processors sum up in different orders: what is nearly 0 differs by a part of what is not
    rounding = 1e-5 * float(block4.abs().max())
    torch.testing.assert_close(output.search.block4, block4, rtol=1e-4, atol=rounding)
    block3_mean = torch.from_numpy(expected["search_block3_mean"])
    torch.testing.assert_close(output.search.block3.mean((0, 2, 3)), block3_mean, **close)


def original_state(net, last_layer="iou_predictor"):
    """A network's state in the original names, with the layers that never run."""
    names = weights._original_names(net, f"bb_regressor.{last_layer}.")
    state = collections.OrderedDict(
        (names[n], t) for n, t in net.state_dict().items() if n in names
    )
    for layer in ("layer4.0.conv1", "fc", "classifier.1"):
        state[f"feature_extractor.{layer}.weight"] = torch.ones(3)
    state["feature_extractor.bn1.num_batches_tracked"] = torch.tensor(7)
    return state


class Settings:
    """Stands for the objects that training pickled beside the network."""


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_every_published_kind_is_recognised(name, new_format, tmp_path):
    net = with_random_statistics(build_atom(name))
    last_layer = "iou_predictor" if ARCHITECTURES[name].head == "iou" else "bb.predictor"
    content = {"net": original_state(net, last_layer), "constructor": Settings(), "epoch": 50}
    path = tmp_path / "ep0050.pth.tar"
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    imported = weights.import_pytracking(path)
    assert imported.architecture == ARCHITECTURES[name]
    same_parameters(net, imported, rtol=0)
    assert not imported.training


@pytest.mark.parametrize("kind", ["atom_resnet18", "matom"])
def test_the_published_names_are_known(kind, shared, tmp_path):
    """The names and shapes of the real checkpoints, as listed from the original code."""
    lines = (shared / "oracles" / "atom" / f"keys_{kind}.txt").read_text().splitlines()
    state = {}
    for line in lines:
        name, _, shape = line.partition(" ")
        state[name] = torch.zeros(
            [int(side) for side in shape.strip("()").split(",") if side.strip()]
        )
    torch.save(state, tmp_path / "x.pth")
    imported = weights.import_pytracking(tmp_path / "x.pth")
    assert imported.architecture == ARCHITECTURES["atom" if kind == "atom_resnet18" else kind]


def changed(change):
    state = original_state(build_atom("atom_t"))
    change(state)
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("bb_regressor.conv3_1r.0.bias"), r"lacks bb_regressor\.conv3_1r"),
        (lambda state: state.update(extra=torch.ones(1)), "has unknown extra"),
        (
            lambda state: state.update({"feature_extractor.conv1.weight": torch.ones(8, 3, 3, 3)}),
            r"feature_extractor\.conv1\.weight has shape \(8, 3, 3, 3\), expected \(8, 3, 7, 7\)",
        ),
        (lambda state: state.clear(), "no named tensors"),
        (lambda state: state.update(net=3), "no named tensors"),
    ],
)
def test_what_is_not_understood_is_named(change, message, tmp_path):
    torch.save(changed(change), tmp_path / "x.pth")
    with pytest.raises(InputError, match=message):
        weights.import_pytracking(tmp_path / "x.pth")


# --- the trunk that ships


def test_the_trunk_can_be_remade(shared, tmp_path):
    source, made = shared / "weights" / "mobilenet_v2_imagenet.pth", tmp_path / "made.safetensors"
    weights.write_trunk(source, made, CARD)
    assert made.read_bytes() == SHIPPED["mobilenet_v2"].read_bytes()
    imagenet_backbone("mobilenet_v2", made)


def test_a_trunk_of_another_network_is_refused(tmp_path):
    torch.save(build_backbone("resnet18_t").state_dict(), tmp_path / "x.pth")
    with pytest.raises(InputError, match="not the layers of MobileNetV2"):
        weights.write_trunk(tmp_path / "x.pth", tmp_path / "trunk.safetensors", CARD)


@pytest.mark.parametrize("limit", [1000, 100_000])
def test_weights_that_the_disk_does_not_take_leave_the_old_ones(tmp_path, limit):
    """The kernel refuses a byte in the middle of the tensors, and of the card."""
    path = tmp_path / "net.safetensors"
    tensor_file.write({"x": torch.ones(1)}, path, CARD, {})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be written .*; free space"):
            tensor_file.write(
                {"x": torch.ones(limit)}, path, CARD | {"note": "x" * (limit + 1)}, {}
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    tensor_file.check_card(path)
    assert tensor_file.read(path)["x"].tolist() == [1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.safetensors"]


class Touches:
    """Pickles as a call that leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("content", ["call", "list", "nested"])
def test_a_backbone_that_is_no_plain_state_dict_is_refused(tmp_path, content):
    evil = tmp_path / "evil"
    objects = {
        "call": {"x": torch.ones(2), "y": Touches(evil)},
        "list": [torch.ones(2)],
        "nested": {"net": {"x": torch.ones(2)}},
    }
    torch.save(objects[content], tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"x\.pth: not a (state dict|checkpoint|torch checkpoint)"):
        tensor_file.read(tmp_path / "x.pth")
    assert not evil.exists()


@pytest.mark.parametrize("new_format", [True, False])
def test_a_plain_state_dict_is_read(tmp_path, new_format):
    state = {"x": torch.rand(3, 4).half(), "n": torch.tensor(7)}
    torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=new_format)
    found = tensor_file.read(tmp_path / "x.pth")
    torch.testing.assert_close(found["x"], state["x"].float())
    assert found["n"] == 7
