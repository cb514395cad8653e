"""Who learns and who does not, and what is asked of whom."""

import copy

import pytest
import torch

from cfkd_core.losses import LOSSES
from cfkd_core.training.distill import Distiller

CFKD = {"fidelity": 100.0, "correlation_filter": 0.1, "teacher_soft": 1.0, "adaptive_hard": 0.1}


def _same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[key], second[key]) for key in first
    )


def test_the_terms_are_those_of_the_networks(make_distiller, make_pairs):
    """What the distiller reports equals the terms of both networks' plain outputs."""
    distiller = make_distiller({"a": set(CFKD)})
    batch = make_pairs(4).batch([0, 1, 2, 3])
    student, teacher = copy.deepcopy(distiller.students["a"]), copy.deepcopy(distiller.teacher)
    images = (batch.target, batch.target_box, batch.search, batch.proposals)
    ours, theirs = student.train()(*images), teacher.eval()(*images)
    found = distiller(batch, {"a": CFKD})["a"]
    total = 0
    for term, weight in CFKD.items():
        expected = LOSSES[term](ours, theirs, batch)
        torch.testing.assert_close(found[term], expected, rtol=1e-4, atol=1e-6)
        total += weight * expected
    torch.testing.assert_close(found["total"], total, rtol=1e-4, atol=1e-6)


def test_the_teacher_stays_as_it_is(make_distiller, make_pairs):
    """Parameters and BatchNorm's statistics, whatever mode is asked for."""
    distiller = make_distiller({"a": set(CFKD)})
    before = copy.deepcopy(distiller.teacher.state_dict())
    optimiser = torch.optim.Adam(distiller.learn("a", ("backbone", "head")), lr=0.1)
    for mode in (True, False, True):
        distiller.train(mode)
        distiller(make_pairs(4).batch([0, 1]), {"a": CFKD})["a"]["total"].backward()
        optimiser.step()
    assert _same(before, distiller.teacher.state_dict())
    assert not any(module.training for module in distiller.teacher.modules())
    assert all(p.grad is None for p in distiller.teacher.parameters())


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_only_the_part_that_is_named_learns(part, make_distiller, make_pairs):
    distiller = make_distiller({"a": set(CFKD)})
    net = distiller.students["a"]
    parts = {"backbone": net.backbone, "head": net.iou_head}
    before = {name: copy.deepcopy(module.state_dict()) for name, module in parts.items()}
    optimiser = torch.optim.Adam(distiller.learn("a", (part,)), lr=0.1)
    distiller(make_pairs(4).batch([0, 1]), {"a": CFKD})["a"]["total"].backward()
    optimiser.step()
    changed = {
        name for name, module in parts.items() if not _same(before[name], module.state_dict())
    }
    assert changed == {part}


def test_a_trained_projection_learns_and_an_untrained_one_does_not(make_distiller, make_pairs):
    terms = {"a": {"projected_fidelity"}, "b": {"projected_fidelity_untrained"}}
    distiller = make_distiller(terms)
    before = copy.deepcopy(distiller.adapters.state_dict())
    parameters = [p for name in terms for p in distiller.learn(name, ("backbone", "head"))]
    found = distiller(
        make_pairs(4).batch([0, 1]),
        {name: dict.fromkeys(each, 1.0) for name, each in terms.items()},
    )
    sum(each["total"] for each in found.values()).backward()
    torch.optim.SGD(parameters, lr=0.1).step()
    after = distiller.adapters.state_dict()
    changed = {key.split(".")[0] for key in after if not torch.equal(before[key], after[key])}
    assert changed == {"a"}


def test_a_frozen_backbone_that_is_shared_runs_once(make_network, make_pairs):
    first, second = make_network("student", 1), make_network("student", 2)
    second.backbone = first.backbone
    distiller = Distiller({"a": first, "b": second}, None, {"a": [], "b": []})
    for name in "ab":
        list(distiller.learn(name, ("head",)))
    calls = []
    first.backbone.register_forward_hook(lambda *_: calls.append(1))
    losses = {name: {"ground_truth": 1.0} for name in "ab"}
    found = distiller(make_pairs(4).batch([0, 1]), losses)
    assert len(calls) == 2  # one for each patch
    found["b"]["total"].backward()
    assert all(p.grad is None for p in first.parameters())


def test_a_network_distilled_from_itself_has_nothing_to_learn(make_network, make_pairs):
    net = make_network("teacher", 3).eval()
    distiller = Distiller({"a": copy.deepcopy(net)}, net, {"a": []}).eval()
    losses = {"a": {"fidelity": 1.0, "teacher_soft": 1.0}}
    found = distiller(make_pairs(2).batch([0, 1]), losses)["a"]
    assert found["fidelity"] == 0
    # pooled in another order than the teacher's, which has no gradient
    assert found["teacher_soft"] < 1e-12
