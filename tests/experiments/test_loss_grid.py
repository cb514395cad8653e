"""Cells of the grid differ in nothing but their weights, and gradients are told apart."""

from copy import deepcopy

import pytest
import torch

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments import loss_grid
from cfkd_core.experiments.loss_grid import LEVELS, TERMS, THESIS, GridOptions
from cfkd_core.models.atom import Architecture, build

TINY = PairOptions(size=64, search_scale=64 / 58, shift_jitter=0.2, scale_jitter=0.1, proposals=4)


def test_the_grid_holds_the_weights_of_the_thesis():
    assert list(LEVELS) == list(THESIS)
    assert dict(THESIS) in loss_grid.cells()
    assert len(loss_grid.cells()) == 16


def test_cells_start_alike_and_a_term_of_weight_0_is_written_down():
    options = GridOptions(
        steps=2, batch_size=2, films=2, held_out=2, validation_pairs=4, pairs=TINY, points=2
    )
    only = {name: float(name == "correlation_filter") for name in TERMS}
    first, second = loss_grid.train_cells([THESIS, only], options, 0)
    assert second["weights"] == only
    for name in TERMS:
        assert first["curves"][name][0] == second["curves"][name][0]
        assert first["validation"][f"gradient_{name}"] > 0
    assert second["curves"]["total"] == second["curves"]["correlation_filter"]


def test_gradients_of_a_network_that_is_its_own_teacher():
    torch.manual_seed(0)
    net = build(Architecture("resnet18_t", "iou", 8)).eval()
    source = Source("films", training_films(2, 0))
    batch = PairDataset([source], 2, 0, TINY).batch([0, 1])
    before = deepcopy(net.state_dict())
    with torch.no_grad():
        own = deepcopy(net).train()(batch.target, batch.target_box, batch.search, batch.proposals)
    found = loss_grid.backbone_gradients(net, own, batch)
    assert list(found) == list(TERMS)
    assert found["fidelity"] == pytest.approx(0, abs=1e-3)
    assert found["teacher_soft"] == pytest.approx(0, abs=1e-3)
    assert found["correlation_filter"] > 1e-3
    assert not net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
