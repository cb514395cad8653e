"""Terms on what the heads say of the proposals.

ATOM's says how well each overlaps the target, on the scale 2 * IoU - 1, in [-1, 1]; DRNet's by
which offsets it misses the target. A term treats both alike.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core import boxes
from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.models.atom import AtomOutput, Output

THRESHOLD = 0.005
"""How much better than its teacher a student must be to be left alone (The original,
exactly, section 3.3)."""

Answers = Float[Tensor, "b p *o"]
Distance = Callable[[Tensor, Tensor], Tensor]


def answers(output: Output) -> Answers:
    """The head's numbers: one overlap, or four offsets, a proposal."""
    return output.iou if isinstance(output, AtomOutput) else output.offsets


def truth(output: Output, batch: PairBatch) -> Answers:
    """What a head like the one that gave `output` should have said."""
    if isinstance(output, AtomOutput):
        return batch.proposal_iou.to(output.iou)
    return boxes.encode_offsets(batch.proposals, batch.search_box[:, None]).to(output.offsets)


def ground_truth(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """Smooth L1 distance of the student's answers to the true ones, mean over all proposals.

    Args:
        student: its `iou`, or its `offsets`.
        teacher: not used.
        batch: its proposals, and the target they should have been.

    Source: row GT of thesis table 4.2, with the distance of eq. 3.9; The original,
        exactly, section 3.3.
    """
    return functional.smooth_l1_loss(answers(student), truth(student, batch))


def ground_truth_squared(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`ground_truth` with the mean squared error for the smooth L1: what ATOM was trained with.

    Source: Danelljan et al., ATOM (CVPR 2019), section 3.1; The original, exactly, section 1.3.
    """
    return functional.mse_loss(answers(student), truth(student, batch))


def teacher_soft(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """Smooth L1 distance of the student's answers to the teacher's, mean over all proposals.

    Args:
        student: its `iou`, or its `offsets`.
        teacher: the same; no gradient reaches it.
        batch: not used.

    Source: thesis eqs. 3.8 and 3.9; The original, exactly, section 3.3.
    """
    return functional.smooth_l1_loss(answers(student), answers(teacher).detach())


def teacher_soft_squared(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`teacher_soft` with the mean squared error for the smooth L1.

    Source: CFKD's code for the baseline of Liu et al.; The original, exactly, section 3.6.
    """
    return functional.mse_loss(answers(student), answers(teacher).detach())


def _adaptive(
    student: Output, teacher: Output, batch: PairBatch, distance: Distance
) -> Float[Tensor, ""]:
    label = truth(student, batch)
    ours, theirs = distance(answers(student), label), distance(answers(teacher).detach(), label)
    return torch.where(theirs - ours < THRESHOLD, ours, 0).mean()


def adaptive_hard(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    r"""`ground_truth`, until the student is better than its teacher.

    .. math::
        \mathcal{L}_{AH} = L_1(\zeta_s, g) \text{ if } L_1(\zeta_t, g) - L_1(\zeta_s, g) < t
            \text{ else } 0

    Args:
        student: its `iou`, or its `offsets`.
        teacher: the same, only compared.
        batch: the truth, the g of the equation.

    Returns:
        The mean over all proposals, or 0: one switch for the batch.

    Source: thesis eq. 3.10; t from CFKD's code, the thesis does not give it (The
        original, exactly, section 3.3).
    """
    return _adaptive(student, teacher, batch, functional.smooth_l1_loss)


def adaptive_hard_squared(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`adaptive_hard` with the mean squared error for the smooth L1, in the switch too.

    Source: CFKD's code for the baseline of Liu et al.; The original, exactly, section 3.6.
    """
    return _adaptive(student, teacher, batch, functional.mse_loss)


def adaptive_hard_per_proposal(
    student: Output, teacher: Output, batch: PairBatch
) -> Float[Tensor, ""]:
    """`adaptive_hard` with a switch for each proposal in place of one for the batch.

    A batch in which the student is ahead on the whole still holds proposals on which it is behind;
    those go on teaching.

    Source: ours, after thesis eq. 3.10.
    Differs: neither the thesis nor its code has this.
    """

    def distance(ours: Tensor, label: Tensor) -> Tensor:
        apart = functional.smooth_l1_loss(ours, label, reduction="none")
        return apart if isinstance(student, AtomOutput) else apart.mean(-1)

    return _adaptive(student, teacher, batch, distance)
