"""Terms of two other ways to distil a tracker: Wang et al. and Liu et al."""

from collections.abc import Callable

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import correlation
from cfkd_core.models.atom import Output
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.ops import channel_energy

SPREAD = 0.25
"""Standard deviation of Wang et al.'s labels, as a share of the map's side (The
original, exactly, section 3.5)."""

REGULARISER = 1e-5
"""Added to the energy that a filter is divided by (The original, exactly, section 3.5)."""

Maps = Float[Tensor, "b h w"]


def _attention(responses: Maps) -> Maps:
    """Each response divided by its sum, unless that is 0."""
    total = responses.sum((1, 2), keepdim=True)
    return responses / torch.where(total == 0, 1, total)


def _batch_attention(responses: Maps) -> Maps:
    """All responses divided by the sum over all of them, unless that is 0."""
    return _attention(responses.flatten(0, 1)[None]).reshape(responses.shape)


def _target_response(
    student: Output,
    teacher: Output,
    batch: PairBatch,
    normalise: Callable[[Tensor], Tensor],
) -> Float[Tensor, ""]:
    def energies(output: Output, block: int) -> tuple[Tensor, Tensor]:
        search, stride = output.search[block], STRIDES[block]
        kernels = correlation.target_kernels(output.target[block], batch.target_box, stride)
        weights = normalise(correlation.response(search, kernels))
        return channel_energy(kernels), channel_energy(weights[:, None] * search)

    correlation.check(batch.target_box)
    terms = [
        functional.mse_loss(ours, theirs.detach())
        for block in range(len(STRIDES))
        for ours, theirs in zip(energies(student, block), energies(teacher, block), strict=True)
    ]
    return torch.stack(terms).sum()


def target_response(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    r"""Liu et al.'s siamese target response: copy the target, and what resembles it.

    .. math::
        \| F(\varphi_s(\hat x)) - F(\varphi_t(\hat x)) \|^2
            + \| F(W_s \odot \varphi_s(z)) - F(W_t \odot \varphi_t(z)) \|^2

    F is `channel_energy`, W the response of the search map to its own target, of sum 1.

    Args:
        student: pyramids of both patches, blocks 1 to 4.
        teacher: the same; no gradient reaches it.
        batch: `target_box` in px of the target patch.

    Returns:
        Mean squared error, summed over blocks, in squared units of the features.

    Raises:
        InputError: if a target box has no area.

    Source: thesis eqs. 2.7-2.10, after Liu et al.; The original, exactly, section 3.6.
    Differs: eq. 2.8 prints the teacher's target patch where its search patch is meant. The thesis
        does not scale W; the author's code divides by one sum over the batch
        (`target_response_batch_sum`), this by the sum of each sample.
    """
    return _target_response(student, teacher, batch, _attention)


def target_response_batch_sum(
    student: Output, teacher: Output, batch: PairBatch
) -> Float[Tensor, ""]:
    """`target_response` with one sum for the responses of the whole batch.

    The weights shrink as the batch grows, and with them the part of the search patch.

    Source: CFKD's code; The original, exactly, section 3.6.
    """
    return _target_response(student, teacher, batch, _batch_attention)


def _tracking(
    student: Output,
    batch: PairBatch,
    combine: Callable[[Complex[Tensor, "b c h w"]], Complex[Tensor, "b k h w"]],
) -> Float[Tensor, ""]:
    """Wang et al.'s loss; `combine` makes responses of what the channels' filters give."""
    terms = []
    for x, z, stride in zip(student.target[1:], student.search[1:], STRIDES[1:], strict=True):
        y = correlation.label(batch.target_box, x, stride=stride, spread=SPREAD)
        g = correlation.label(batch.search_box, z, stride=stride, spread=SPREAD)
        spectrum = torch.fft.rfft2(x)
        energy = spectrum.abs().square().sum(1, keepdim=True) + REGULARISER
        filters = torch.fft.rfft2(y)[:, None].conj() * spectrum / energy
        products = combine(filters.conj() * torch.fft.rfft2(z))
        r = torch.fft.irfft2(products, x.shape[2:])
        terms.append(functional.mse_loss(r, g[:, None].expand_as(r)))
    return torch.stack(terms).sum()


def tracking(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    r"""Wang et al.'s tracking loss: a filter solved on the target patch must find the target.

    .. math::
        \| r - g \|^2, \quad r = \mathcal{F}^{-1} \Big( \sum_c \hat w_c^* \odot \hat z_c \Big),
        \quad \hat w_c = \frac{\hat y^* \odot \hat x_c}{\sum_j \hat x_j \odot \hat x_j^* + \epsilon}

    Args:
        student: pyramids of both patches, of which blocks 2 to 4 are used.
        teacher: not used; the labels y and g are Gaussians at the annotation.
        batch: `target_box`, `search_box` in px of their own patch.

    Returns:
        Mean squared error, summed over blocks, no unit.

    Source: thesis eqs. 2.4-2.6, after Wang et al., with the sums of eq. 1.2; The
        original, exactly, section 3.5.
    Differs: eq. 2.6 leaves out the sum over channels that eq. 1.2 has below the line; the author's
        code leaves out the one in the response: `tracking_per_channel`.
    """
    return _tracking(student, batch, lambda products: products.sum(1, keepdim=True))


def tracking_per_channel(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`tracking`, but each channel alone must give the whole Gaussian.

    A channel holds a share of the response only, so the loss cannot vanish, however good the
    features: the row of the thesis's table 4.4 was trained with this.

    Source: CFKD's code; The original, exactly, section 3.5.
    """
    return _tracking(student, batch, lambda products: products)


class ProjectedFidelity(nn.Module):
    """Wang et al.'s fidelity: the student's blocks 3 and 4, projected to the teacher's channels.

    Called as a term is: `module(student, teacher, batch)`. A module, for it has weights: 1 x 1
    convolutions, one for each block.

    Args:
        student: channels of the student's blocks 3 and 4.
        teacher: channels of the teacher's.
        trained: whether the projection learns with the student, or stays as it was drawn.

    Source: thesis section 2.4; The original, exactly, section 3.5.
    Differs: the author's code draws the projection once and never trains it (trained=False), which
        asks the student for a random code of the teacher's features.
    """

    def __init__(
        self, student: tuple[int, int], teacher: tuple[int, int], *, trained: bool
    ) -> None:
        super().__init__()
        self.project3, self.project4 = (
            nn.Conv2d(inputs, outputs, kernel_size=1, bias=False)
            for inputs, outputs in zip(student, teacher, strict=True)
        )
        for weight in self.parameters():
            nn.init.xavier_normal_(weight)
            weight.requires_grad_(trained)

    def forward(self, student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
        """Mean squared error of both blocks in both patches, summed; no gradient in the teacher."""
        terms = [
            functional.mse_loss(project(ours), theirs.detach())
            for mine, other in ((student.target, teacher.target), (student.search, teacher.search))
            for project, ours, theirs in (
                (self.project3, mine.block3, other.block3),
                (self.project4, mine.block4, other.block4),
            )
        ]
        return torch.stack(terms).sum()
