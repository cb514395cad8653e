"""What is measured of a checkpoint: by hand, by its definition, and from its recorded boxes."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import Source
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError
from cfkd_core.experiments import evaluation
from cfkd_core.experiments.measures import (
    effective_rank,
    gradient_shares,
    held_out_pairs,
    linear_cka,
)
from cfkd_core.models import weights
from cfkd_core.models.atom import Architecture, build


def test_alignment_ignores_rotation_scale_and_mean():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=generator)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=generator))
    assert linear_cka(x, 3 * x @ turn + 5) == pytest.approx(1)
    assert linear_cka(x, torch.randn(200, 6, generator=generator)) < 0.1
    assert linear_cka(x, torch.ones(200, 2)) == 0


def test_alignment_by_hand():
    """Columns (1, -1, 0) and (1, 0, -1): their inner product is 1, their squares 2 each."""
    x, y = torch.tensor([[1.0], [-1], [0]]), torch.tensor([[1.0], [0], [-1]])
    assert linear_cka(x, y) == pytest.approx(1 / 4)


def test_effective_rank_by_hand():
    """Two directions of singular values 3 and 1: the entropy of 3/4 and 1/4."""
    rows = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(rows + 7) == pytest.approx(math.exp(entropy))
    assert effective_rank(torch.eye(4)) == pytest.approx(3)  # the mean takes one of four away
    assert effective_rank(torch.ones(5, 3)) == 0


def test_shares_of_the_gradient_by_hand():
    norms = {"fidelity": 2.0, "teacher_soft": 6.0}
    shares = gradient_shares(norms, {"fidelity": 3.0, "teacher_soft": 1.0})
    assert shares == {"fidelity": 0.5, "teacher_soft": 0.5}
    assert gradient_shares({"fidelity": 0.0}, {"fidelity": 1.0}) == {"fidelity": 0.0}


@pytest.fixture(scope="module")
def bench():
    sequences = [replace(each, name=each.name) for each in synthetic_sequences(["syn_far_coin"], 4)]
    source = Source("held out", sequences)
    options = PairOptions(size=64, search_scale=2.5, shift_jitter=1.0, proposals=4, min_length=2)
    options = replace(options, min_visible=1)
    torch.manual_seed(0)
    teacher = build(Architecture("resnet18_t", "iou", 8)).eval()
    return evaluation.Bench(
        sequences={"synthetic": sequences},
        pairs=held_out_pairs([source], 8, options),
        teacher=teacher,
        start=build(Architecture("resnet18_t", "none", 0)).eval().backbone,
        seeds=(0,),
    )


@pytest.fixture
def run(tmp_path):
    """A student's folder with two checkpoints of random weights."""
    folder = tmp_path / "row"
    folder.mkdir()
    card = {
        "origin": "a test",
        "licence": "MIT",
        "name": "row",
        "seed": 3,
        "stages": [{"losses": {"teacher_soft": 1.0, "fidelity": 0.1}}],
    }
    for seed, pairs in enumerate((4096, 8192)):
        torch.manual_seed(seed)
        net = build(Architecture("resnet18_t", "iou", 8))
        weights.save(net, folder / f"{pairs:07d}.safetensors", card | {"pairs_seen": pairs})
    return folder


def test_every_checkpoint_is_measured_once_and_scores_come_from_the_boxes(run, bench, tmp_path):
    path = evaluation.evaluate_run(run, bench, tmp_path)
    assert path.name == "row_seed3.json"
    content = json.loads(path.read_text())
    assert [each["pairs"] for each in content["checkpoints"]] == [4096, 8192]
    boxes = dict(np.load(path.with_suffix(".npz")))
    for each in content["checkpoints"]:
        first = f"{each['pairs']}/"
        own = {key.removeprefix(first): v for key, v in boxes.items() if key.startswith(first)}
        assert evaluation.score(own, bench.sequences) == each["tracking"]
        assert each["tracking"]["synthetic"].keys() == set(evaluation.MODES)
        assert sum(each["gradient_share"].values()) == pytest.approx(1)
        assert 0 <= each["cka"]["teacher"]["block4"] <= 1
        assert 1 <= each["effective_rank"]["block3"] <= 16
    written = path.stat().st_mtime_ns
    evaluation.evaluate_run(run, bench, tmp_path)
    assert path.stat().st_mtime_ns == written


def test_the_checkpoints_of_another_training_are_refused(run, bench, tmp_path):
    path = evaluation.evaluate_run(run, bench, tmp_path)
    content = json.loads(path.read_text())
    content["training"]["stages"][0]["losses"]["fidelity"] = 100.0
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"row_seed3\.json: of another training"):
        evaluation.evaluate_run(run, bench, tmp_path)


def test_a_folder_without_checkpoints_is_named(tmp_path, bench):
    with pytest.raises(InputError, match="no checkpoints"):
        evaluation.evaluate_run(tmp_path, bench, tmp_path)
