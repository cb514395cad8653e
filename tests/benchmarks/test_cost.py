"""Costs: a layer by hand, and every figure of section 7.3 to its printed digits.

Source: The original, exactly, section 7.3.
"""

import time

import pytest
import torch
from torch import nn

from cfkd_core._compat import torchvision
from cfkd_core.benchmarks import cost
from cfkd_core.models.atom import AtomNet, build_atom
from cfkd_core.models.backbones import build_backbone

MIB = 2**20


def patch(side=288):
    return torch.rand(1, 3, side, side)


def test_a_convolution_by_hand():
    """5 x 7 cells, stride 2: the output has 3 x 4 cells."""
    net = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2))
    (layer,) = cost.layer_costs(net, torch.rand(1, 4, 5, 7))
    assert layer.parameters == 3 * 3 * 2 * 6 + 6
    assert layer.macs == 3 * 3 * 2 * 6 * 12
    assert layer.eq_4_5 == 3 * 3 * 2 * 6 * 35 + 12 * 6
    assert layer.eq_4_5_output == 3 * 3 * 2 * 6 * 12 + 12 * 6


def test_a_linear_layer_by_hand():
    net = nn.Sequential(nn.Linear(5, 7))
    (layer,) = cost.layer_costs(net, torch.rand(2, 3, 5))
    assert layer.macs == 5 * 7 * 6
    assert layer.parameters == 5 * 7 + 7


def test_counting_leaves_the_network_as_it_was():
    net = build_backbone("resnet18_t")
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    cost.layer_costs(net, patch(64))
    assert net.training
    assert all(not module._forward_hooks for module in net.modules())
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])


def billions(net, side=288):
    layers = [
        layer
        for layer in cost.layer_costs(net, patch(side))
        if layer.name not in ("fc", "classifier.1")
    ]
    return tuple(
        round(sum(getattr(layer, reading) for layer in layers) / 1e9, 4)
        for reading in ("macs", "eq_4_5_output", "eq_4_5")
    )


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (build_backbone("resnet18"), (2.3185, 2.3223, 3.5446)),
        (torchvision.models.resnet18(), (2.9979, 3.0020, 4.5428)),
        (build_backbone("mobilenet_v2"), (0.2509, 0.2599, 0.3338)),
        (torchvision.models.mobilenet_v2(), (0.4951, 0.5061, 0.5813)),
        (build_backbone("resnet18_m"), (0.6284, 0.6303, 1.0822)),
        (build_backbone("resnet18_s"), (0.1815, 0.1825, 0.3686)),
        (build_backbone("resnet18_t"), (0.0576, 0.0581, 0.1412)),
        (build_backbone("resnet50"), (5.4186, 5.4359, 8.1870)),
    ],
    ids=["resnet18", "resnet18 full", "mobilenet_v2", "mobilenet_v2 full", *"mst", "resnet50"],
)
def test_the_readings_of_equation_4_5_at_288_px(net, expected):
    assert billions(net) == expected


@pytest.mark.parametrize(
    ("name", "side", "expected"),
    [
        ("mobilenet_v2", 320, (0.3097, 0.3209, 0.4122)),
        ("resnet50", 320, (6.6896, 6.7110, 10.1074)),
        ("resnet18", 224, (1.4025, 1.4049, 2.1443)),
        ("mobilenet_v2", 224, (0.1518, 0.1573, 0.2020)),
    ],
)
def test_the_readings_at_other_sizes(name, side, expected):
    assert billions(build_backbone(name), side) == expected


@pytest.mark.parametrize(
    ("name", "reference", "search", "boxes"),
    [("atom", 0.383, 1.529, 0.0223), ("matom", 0.0239, 0.0956, 0.0014)],
)
def test_the_parts_of_the_head(name, reference, search, boxes):
    """Source: The original, exactly, section 5.5, for ten proposals."""
    net = build_atom(name)
    box = torch.tensor([[50.0, 50, 60, 70]])
    layers = cost.layer_costs(
        net.iou_head,
        net.backbone(patch()),
        box,
        net.backbone(patch()),
        box[:, None].repeat(1, 10, 1),
    )
    parts = cost.by_part(layers)

    def total(*names):
        return sum(layer.macs for name in names for layer in parts[name]) / 1e9

    names = ("target_conv3", "target_vector3", "target_conv4", "modulate3", "modulate4")
    assert total(*names) == pytest.approx(reference, abs=5e-4)
    assert total("search_conv3", "search_conv4") == pytest.approx(search, abs=5e-4)
    assert total("fc3", "fc4", "output") == pytest.approx(boxes, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "live", "whole"),
    [
        ("atom", 33.51, 69.1),
        ("atom_m", 8.40, 17.8),
        ("atom_s", 2.11, 4.73),
        ("atom_t", 0.53, 1.32),
        ("matom", 2.36, 15.4),
        ("drnet", 76.03, 144.1),
        ("mdrnet", 2.36, 15.4),
    ],
)
def test_sizes_with_and_without_the_layers_that_never_run(name, live, whole):
    net = build_atom(name)
    assert cost.megabytes(net) == pytest.approx(live, abs=0.006)
    tail = cost.megabytes(cost.dead_tail(net.backbone))
    assert cost.megabytes(net) + tail == pytest.approx(whole, abs=0.05)


@pytest.mark.parametrize(
    ("name", "trained", "mebibytes"),
    [
        ("atom", "iou_head", 108.8),
        ("atom_m", "all", 33.2),
        ("atom_s", "all", 8.68),
        ("atom_t", "all", 2.41),
        ("matom", "all", 19.5),
        ("matom", "iou_head", 17.7),
    ],
)
def test_checkpoints_explain_the_thesiss_sizes(name, trained, mebibytes):
    net = build_atom(name)
    saved = nn.ModuleList([net, cost.dead_tail(net.backbone)])
    moved = net if trained == "all" else net.iou_head
    assert cost.checkpoint_bytes(saved, moved) / MIB == pytest.approx(mebibytes, rel=0.01)


def test_a_checkpoint_is_as_long_as_the_file_would_be(tmp_path):
    net = build_backbone("resnet18_t")
    torch.save({"net": net.state_dict()}, tmp_path / "x.pth")
    size = (tmp_path / "x.pth").stat().st_size
    # the name of the archive inside is the file's, so a few bytes may differ
    assert cost.checkpoint_bytes(net, None) == pytest.approx(size, abs=64 * len(net.state_dict()))


def test_a_networks_modules_add_up_to_the_network():
    table = cost.by_module(build_atom("matom"))
    for whole in ("backbone", "head"):
        parts = table[table.index.str.startswith(f"{whole}.")]
        assert parts.sum().tolist() == pytest.approx(table.loc[whole].tolist())
    # The original, exactly, sections 2.1 and 2.2
    assert table.loc["together", "parameters"] == 239_360 + 351_329
    assert table.loc["backbone", "M MACs"] == pytest.approx(250.9, abs=0.05)
    assert table.loc["backbone", "M eq. 4.5"] == pytest.approx(333.8, abs=0.05)
    # The original, exactly, section 5.5: reference branch, search branch, ten boxes
    assert table.loc["head", "M MACs"] == pytest.approx(23.9 + 95.6 + 1.4, abs=0.1)


def test_a_backbone_alone_has_no_head_to_count():
    table = cost.by_module(AtomNet(build_backbone("resnet18_t"), None), size=64)
    assert list(table.index) == [*(f"backbone.block{n}" for n in (1, 2, 3, 4)), "backbone"]


def test_latency_is_the_median_of_the_counted_calls(monkeypatch):
    clock = iter([0.0, 9.0, 0.0, 1.0, 0.0, 3.0])
    monkeypatch.setattr(cost.time, "thread_time", lambda: next(clock))
    calls = []
    assert cost.latency(lambda: calls.append(1), runs=3, warm_up=2) == 3.0
    assert len(calls) == 5


def test_waiting_is_not_computing():
    assert cost.latency(lambda: time.sleep(0.05), runs=2, warm_up=0) < 0.02


def test_latency_gives_the_threads_back():
    before = torch.get_num_threads()
    seen = []

    def fail():
        seen.append(torch.get_num_threads())
        raise RuntimeError("stopped")

    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="stopped"):
            cost.latency(fail)
        assert seen == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
