"""Terms on the predicted overlaps; all on the scale 2 * IoU - 1, in [-1, 1]."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.models.atom import AtomOutput

THRESHOLD = 0.005
"""How much better than its teacher a student must be to be left alone (facts.md 3.3)."""

Distance = Callable[[Tensor, Tensor], Tensor]


def ground_truth(student: AtomOutput, teacher: AtomOutput, batch: PairBatch) -> Float[Tensor, ""]:
    """Smooth L1 distance of the student's overlaps to the true ones, mean over all proposals.

    Args:
        student: its `iou`.
        teacher: not used.
        batch: its `proposal_iou`.

    Source: row GT of thesis table 4.2, with the distance of eq. 3.9; facts.md 3.3.
    """
    return functional.smooth_l1_loss(student.iou, batch.proposal_iou.to(student.iou))


def teacher_soft(student: AtomOutput, teacher: AtomOutput, batch: PairBatch) -> Float[Tensor, ""]:
    """Smooth L1 distance of the student's overlaps to the teacher's, mean over all proposals.

    Args:
        student: its `iou`.
        teacher: its `iou`; no gradient reaches it.
        batch: not used.

    Source: thesis eqs. 3.8 and 3.9; facts.md 3.3.
    """
    return functional.smooth_l1_loss(student.iou, teacher.iou.detach())


def teacher_soft_squared(
    student: AtomOutput, teacher: AtomOutput, batch: PairBatch
) -> Float[Tensor, ""]:
    """`teacher_soft` with the mean squared error for the smooth L1.

    Source: CFKD's code for the baseline of Liu et al., facts.md 3.6.
    """
    return functional.mse_loss(student.iou, teacher.iou.detach())


def _adaptive(
    student: AtomOutput, teacher: AtomOutput, batch: PairBatch, distance: Distance
) -> Float[Tensor, ""]:
    truth = batch.proposal_iou.to(student.iou)
    ours, theirs = distance(student.iou, truth), distance(teacher.iou, truth)
    return torch.where(theirs - ours < THRESHOLD, ours, 0)


def adaptive_hard(student: AtomOutput, teacher: AtomOutput, batch: PairBatch) -> Float[Tensor, ""]:
    r"""`ground_truth`, until the student is better than its teacher.

    .. math::
        \mathcal{L}_{AH} = L_1(\zeta_s, g) \text{ if } L_1(\zeta_t, g) - L_1(\zeta_s, g) < t
            \text{ else } 0

    Args:
        student: its `iou`.
        teacher: its `iou`, only compared.
        batch: its `proposal_iou`, the g of the equation.

    Returns:
        The mean over all proposals, or 0: one switch for the batch.

    Source: thesis eq. 3.10; t from CFKD's code, the thesis does not give it (facts.md 3.3).
    """
    return _adaptive(student, teacher, batch, functional.smooth_l1_loss)


def adaptive_hard_squared(
    student: AtomOutput, teacher: AtomOutput, batch: PairBatch
) -> Float[Tensor, ""]:
    """`adaptive_hard` with the mean squared error for the smooth L1, in the switch too.

    Source: CFKD's code for the baseline of Liu et al., facts.md 3.6.
    """
    return _adaptive(student, teacher, batch, functional.mse_loss)
