"""The variants of the author's code, against what his code computes on seeded features."""

import json

import pytest
import torch

from cfkd_core.losses import LOSSES, correlation, features
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import STRIDES, Pyramid

STUDENT, TEACHER = (32, 24, 32, 64), (64, 64, 128, 256)
LAYERS = [*enumerate(["conv1", "layer1", "layer2", "layer3"])]
NAMES = {
    "fidelity": "fidelity",
    "cf": "correlation_filter_batch_maximum",
    "str": "target_response_batch_sum",
    "tracking": "tracking_per_channel",
}


@pytest.fixture(scope="module")
def oracle(shared):
    return json.loads((shared / "oracles" / "atom" / "loss_values.json").read_text())


def pyramid(seed: int, channels: tuple[int, ...], sign: str) -> Pyramid:
    generator = torch.Generator().manual_seed(seed)
    maps = [
        torch.randn(2, c, 288 // stride, 288 // stride, generator=generator)
        for c, stride in zip(channels, STRIDES, strict=True)
    ]
    return Pyramid(*(values.abs() if sign == "abs" else values for values in maps))


@pytest.fixture
def pairs(make_batch):
    target_box = [[110.0, 100, 60, 80], [90, 120, 100, 45]]
    search_box = [[130.0, 95, 55, 85], [60.5, 140.25, 110, 50]]
    return make_batch(target_box, search_box, size=288)


@pytest.mark.parametrize("sign", ["signed", "abs"])
def test_the_terms_on_features(sign, oracle, pairs):
    iou = torch.zeros(2, 5)
    student = AtomOutput(iou, pyramid(1, STUDENT, sign), pyramid(2, STUDENT, sign))
    teacher = AtomOutput(iou, pyramid(3, TEACHER, sign), pyramid(4, TEACHER, sign))
    found = {key: LOSSES[name](student, teacher, pairs).item() for key, name in NAMES.items()}
    assert found == pytest.approx({key: oracle[sign][key] for key in NAMES}, rel=1e-4)


@pytest.mark.parametrize("sign", ["signed", "abs"])
@pytest.mark.parametrize(("block", "layer"), LAYERS)
def test_each_block_of_the_correlation_filter(block, layer, sign, oracle, pairs):
    target, search = (pyramid(seed, STUDENT, sign)[block] for seed in (1, 2))
    stride = STRIDES[block]
    kernels = correlation.target_kernels(target, pairs.target_box, stride)
    response = correlation.response(search, kernels)
    label = correlation.label(pairs.search_box, search, stride=stride, spread=features.SPREAD)
    loss = (response / response.max() - label).square().mean().item()
    assert loss == pytest.approx(oracle[sign][f"cf_{layer}"], rel=1e-4)


def test_the_terms_on_overlaps(oracle, make_output, make_batch):
    generator = torch.Generator().manual_seed(5)
    ours, theirs, truth = (torch.rand(32, 16, generator=generator) * 2 - 1 for _ in range(3))
    box = [[20.0, 20, 20, 20]] * 32
    batch = make_batch(box, box, truth, size=16)
    output = make_output(0, (1, 1, 1, 1), pairs=32, size=16)
    student, teacher = output._replace(iou=ours), output._replace(iou=theirs)
    better = output._replace(iou=truth + 0.01)
    found = {
        "teacher_soft": LOSSES["teacher_soft"](student, teacher, batch).item(),
        "adaptive_hard": LOSSES["adaptive_hard"](student, teacher, batch).item(),
        "adaptive_hard_student_better": LOSSES["adaptive_hard"](better, teacher, batch).item(),
    }
    assert found == pytest.approx(oracle["iou"], rel=1e-4)
