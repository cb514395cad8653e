"""What is computed once against what is computed each time."""

import pytest
import torch

from cfkd_core import boxes
from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.training.distill import Distiller
from cfkd_core.training.loop import LoopOptions, train
from cfkd_core.training.pool import PairPool
from cfkd_core.training.stage import Stage

LOSSES = {"teacher_soft": 1.0, "ground_truth": 1.0, "adaptive_hard_per_proposal": 0.5}


@pytest.fixture
def distiller(make_distiller):
    made = make_distiller({"a": set(LOSSES)}).eval()
    list(made.learn("a", ("head",)))
    return made.eval()


@pytest.fixture
def pool(distiller, make_pairs):
    students = dict(distiller.students.items())
    return PairPool(make_pairs(100), 20, students, distiller.teacher, torch.device("cpu"))


def test_a_step_is_that_of_the_images(distiller, pool, make_pairs):
    """The second time around, with the pool's proposals on the stream's images."""
    indices = [23, 39, 20]
    pooled, known = pool.batch(indices), pool.known(indices)
    images = make_pairs(100).batch([3, 19, 0])
    batch = PairBatch(images.target, images.search, *pooled[2:])
    found = distiller(pooled, {"a": LOSSES}, known)["a"]
    expected = distiller(batch, {"a": LOSSES})["a"]
    for term, value in expected.items():
        # features are kept in bfloat16
        torch.testing.assert_close(found[term], value, rtol=0.02, atol=0.002)


def test_pairs_come_back_with_other_proposals(pool, make_pairs):
    first, again = pool.batch([4, 5]), pool.batch([24, 25])
    assert torch.equal(first.search_box, again.search_box)
    torch.testing.assert_close(first.search_box, make_pairs(100).batch([4, 5]).search_box)
    assert not torch.equal(first.proposals, again.proposals)
    overlap = 2 * boxes.iou(again.proposals, again.search_box[:, None]) - 1
    torch.testing.assert_close(again.proposal_iou, overlap)
    assert all(torch.equal(*pair) for pair in zip(first, pool.batch([4, 5]), strict=True))


def test_students_that_share_a_backbone_share_what_is_known(make_network, make_pairs):
    first, second = make_network("student", 1), make_network("student", 2)
    second.backbone = first.backbone
    distiller = Distiller({"a": first, "b": second}, None, {"a": [], "b": []}).eval()
    pool = PairPool(make_pairs(8), 8, dict(distiller.students.items()), None, torch.device("cpu"))
    known = pool.known([0, 1])
    assert known.teacher is None
    assert torch.equal(known.features["a"][0].block4, known.features["b"][0].block4)


def test_a_head_learns_from_a_pool(pool, distiller, fabric, tmp_path):
    stage = Stage(LOSSES, trained=("head",), epochs=1, batches=20, lr=3e-3)
    before = {key: value.clone() for key, value in distiller.students["a"].state_dict().items()}
    nets = train(distiller, {"a": (stage,)}, pool, tmp_path, fabric, LoopOptions(5))
    for key, value in nets["a"].state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith("backbone"), key


def test_the_average_of_a_pooled_training_keeps_its_statistics(distiller, pool, fabric, tmp_path):
    """There are no images to measure them on anew: they stay the average that they were."""
    stage = Stage(
        {"ground_truth": 1.0}, trained=("head",), epochs=1, batches=4, lr=1e-3, average=0.9
    )
    net = train(distiller, {"a": (stage,)}, pool, tmp_path, fabric, LoopOptions(8))["a"]
    norms = [each for each in net.iou_head.modules() if hasattr(each, "running_var")]
    assert norms
    for norm in norms:
        assert not torch.equal(norm.running_var, torch.ones_like(norm.running_var))
        assert norm.num_batches_tracked > 0
