"""The recorded grid is whole, is of the networks that ship, and can be made again."""

from copy import deepcopy
from dataclasses import asdict, replace

import pytest
import torch

from cfkd_core import paths
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.experiments import loss_grid
from cfkd_core.experiments.loss_grid import LEVELS, TERMS, THESIS, GridOptions
from cfkd_core.experiments.measures import backbone_gradients
from cfkd_core.models.atom import Architecture, build
from cfkd_core.models.tensor_file import sha256

TINY = PairOptions(size=64, search_scale=64 / 58, shift_jitter=0.2, scale_jitter=0.1, proposals=4)


@pytest.fixture(scope="module")
def recorded():
    return loss_grid.read()


def test_the_grid_holds_the_weights_of_the_thesis():
    assert list(LEVELS) == list(THESIS)
    assert dict(THESIS) in loss_grid.cells()
    assert len(loss_grid.cells()) == 16


def test_every_cell_is_recorded_and_some_with_another_seed(recorded):
    first = [cell["weights"] for cell in recorded["cells"] if cell["seed"] == 0]
    assert first == loss_grid.cells()
    again = [cell["weights"] for cell in recorded["cells"] if cell["seed"] == 1]
    assert [weights["fidelity"] for weights in again] == list(LEVELS["fidelity"])


def test_the_record_says_what_it_was_made_with(recorded):
    assert recorded["teacher_sha256"] == sha256(paths.WEIGHTS / "atom.safetensors"), (
        f"the teacher has changed since; make the grid again: {recorded['command']}"
    )
    options = asdict(GridOptions())
    assert recorded["options"].keys() == options.keys()
    assert recorded["options"]["steps"] == options["steps"]
    assert recorded["options"]["pairs"]["size"] == options["pairs"]["size"]
    assert recorded["commit"]


def test_recorded_totals_are_weighted_sums_of_recorded_terms(recorded):
    for cell in recorded["cells"]:
        for index, total in enumerate(cell["curves"]["total"]):
            terms = (
                weight * cell["curves"][name][index] for name, weight in cell["weights"].items()
            )
            assert sum(terms) == pytest.approx(total, rel=5e-3, abs=1e-6)


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
    found = backbone_gradients(net, own, batch, loss_grid.TERMS)
    assert list(found) == list(TERMS)
    assert found["fidelity"] == pytest.approx(0, abs=1e-3)
    assert found["teacher_soft"] == pytest.approx(0, abs=1e-3)
    assert found["correlation_filter"] > 1e-3
    assert not net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def at_thesis(recorded):
    (cell,) = (
        each for each in recorded["cells"] if each["weights"] == THESIS and each["seed"] == 0
    )
    return cell


def test_the_recorded_runs_begin_as_a_run_does_now(recorded):
    first_step = replace(GridOptions(), steps=1, points=1, held_out=2, validation_pairs=4)
    (cell,) = loss_grid.train_cells([THESIS], first_step, 0)
    for name in TERMS:
        before = at_thesis(recorded)["curves"][name][0]
        assert cell["curves"][name] == [pytest.approx(before, rel=0.01)]


@pytest.mark.slow
def test_a_recorded_cell_comes_out_again(recorded):
    (cell,) = loss_grid.train_cells([THESIS], GridOptions(), 0)
    before = at_thesis(recorded)
    for name in TERMS:
        # rounding differs from machine to machine and grows with every step
        assert cell["curves"][name][-1] == pytest.approx(before["curves"][name][-1], rel=0.5)
    now, then = (each["validation"]["iou_correlation"] for each in (cell, before))
    assert now == pytest.approx(then, abs=0.2)
