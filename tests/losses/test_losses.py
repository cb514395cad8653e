"""What holds for every term of `LOSSES`."""

import inspect
import re

import pytest
import torch
from torch import Tensor

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import LOSSES
from cfkd_core.models.atom import AtomOutput
from cfkd_core.models.pyramid import Pyramid

EVERY = pytest.mark.parametrize("name", LOSSES)
FIDELITIES = {"fidelity", "fidelity_sum", "fidelity_normalised"}
TRACKING = {"tracking", "tracking_per_channel"}
OVERLAPS = {
    "ground_truth",
    "ground_truth_squared",
    "teacher_soft",
    "teacher_soft_squared",
    "adaptive_hard",
    "adaptive_hard_squared",
    "adaptive_hard_per_proposal",
}
COPIES = FIDELITIES | {
    "teacher_soft",
    "teacher_soft_squared",
    "target_response",
    "target_response_batch_sum",
}
NOT_A_MEAN_OF_PAIRS = {  # one maximum or sum over the batch
    "correlation_filter_batch_maximum",
    "target_response_batch_sum",
}


def apply(output: AtomOutput, change) -> AtomOutput:
    """`change` of every tensor."""
    pyramids = (Pyramid(*map(change, pyramid)) for pyramid in (output.target, output.search))
    return AtomOutput(change(output.iou), *pyramids)


def learning(output: AtomOutput) -> AtomOutput:
    return apply(output, lambda values: values.clone().requires_grad_())


def leaves(output: AtomOutput) -> list[Tensor]:
    return [output.iou, *output.target, *output.search]


def rows(values, index):
    """Some of the pairs of an output or a batch."""
    if isinstance(values, AtomOutput):
        return apply(values, lambda tensor: tensor[index])
    return PairBatch(*(tensor[index] for tensor in values))


@EVERY
def test_a_term_says_where_it_comes_from(name):
    source = LOSSES[name].__doc__.split("Source:")[1]
    assert re.search(r"thesis|The original,\s+exactly,\s+sections? \d", source)
    assert list(inspect.signature(LOSSES[name]).parameters) == ["student", "teacher", "batch"]
    assert LOSSES[name].__name__ == name


@EVERY
def test_float32_says_what_float64_says(name, student, teacher, batch):
    exact = LOSSES[name](student, teacher, batch)
    rough = LOSSES[name](apply(student, Tensor.float), apply(teacher, Tensor.float), batch)
    assert exact.shape == ()
    assert (exact.dtype, rough.dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(rough.double(), exact, rtol=1e-4, atol=1e-6)


def learns_from(name: str) -> set[str]:
    """The parts of a student's output that a term has a gradient in."""
    if name in OVERLAPS:
        return {"iou"}
    used = "34" if name in FIDELITIES else "234" if name in TRACKING else "1234"
    return {f"{patch}.block{block}" for patch in ("target", "search") for block in used}


PARTS = [
    "iou",
    *(f"{patch}.block{block}" for patch in ("target", "search") for block in (1, 2, 3, 4)),
]


@EVERY
def test_gradients_where_they_should_be_and_nowhere_else(name, student, teacher, batch):
    student, teacher = learning(student), learning(teacher)
    LOSSES[name](student, teacher, batch).backward()
    gradients = dict(zip(PARTS, (leaf.grad for leaf in leaves(student)), strict=True))
    reached = {part for part, grad in gradients.items() if grad is not None and grad.any()}
    assert reached == learns_from(name)
    assert all(gradients[part].isfinite().all() for part in reached)
    assert all(leaf.grad is None for leaf in leaves(teacher))


@EVERY
def test_the_gradient_is_that_of_the_value(name, make_output, make_batch):
    student = learning(make_output(3, (2, 1, 2, 2), size=32))
    teacher = make_output(4, (3, 2, 3, 3), size=32)
    box = [[9.5, 8, 11, 12], [10.0, 12, 9, 7]]
    batch = make_batch(box, box, size=32)

    def value(*tensors):
        iou, *maps = tensors
        output = AtomOutput(iou, Pyramid(*maps[:4]), Pyramid(*maps[4:]))
        return LOSSES[name](output, teacher, batch)

    assert torch.autograd.gradcheck(value, leaves(student), fast_mode=True)


@pytest.mark.parametrize("name", sorted(COPIES))
def test_a_network_distilled_from_itself_has_nothing_to_learn(name, student, batch):
    assert LOSSES[name](student, student, batch) == 0


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"target_response_batch_sum"}))
def test_a_batch_repeated_has_the_loss_of_the_batch(name, student, teacher, batch):
    twice = [0, 1, 0, 1]
    repeated = LOSSES[name](rows(student, twice), rows(teacher, twice), rows(batch, twice))
    torch.testing.assert_close(repeated, LOSSES[name](student, teacher, batch))


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"adaptive_hard", "adaptive_hard_squared"}))
def test_which_terms_are_the_mean_of_their_pairs(name, student, teacher, batch):
    pairs = torch.stack(
        [LOSSES[name](rows(student, i), rows(teacher, i), rows(batch, i)) for i in ([0], [1])]
    )
    together = LOSSES[name](student, teacher, batch)
    assert torch.allclose(pairs.mean(), together) == (name not in NOT_A_MEAN_OF_PAIRS)


@EVERY
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_says_what_the_cpu_says(name, student, teacher, batch):
    moved = LOSSES[name](
        apply(student, Tensor.cuda),
        apply(teacher, Tensor.cuda),
        PairBatch(*(t.cuda() for t in batch)),
    )
    torch.testing.assert_close(moved.cpu(), LOSSES[name](student, teacher, batch))
