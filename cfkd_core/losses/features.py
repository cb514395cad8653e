"""Terms on the backbone's features: copy the teacher's, and make the target easy to find."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import correlation
from cfkd_core.models.atom import Output
from cfkd_core.models.pyramid import STRIDES
from cfkd_core.ops import channel_energy

SPREAD = 0.15
"""Standard deviation of the label, as a share of the map's side (The original,
exactly, section 3.2, step 5)."""

Maps = Float[Tensor, "b h w"]
Distance = Callable[[Tensor, Tensor], Tensor]


def _squared_norm(values: Maps, labels: Maps) -> Float[Tensor, ""]:
    """Squared L2 distance of each sample, mean over the batch."""
    return (values - labels).square().sum((1, 2)).mean()


def _fidelity(student: Output, teacher: Output, distance: Distance) -> Float[Tensor, ""]:
    terms = [
        distance(channel_energy(ours), channel_energy(theirs.detach()))
        for mine, other in ((student.target, teacher.target), (student.search, teacher.search))
        for ours, theirs in ((mine.block3, other.block3), (mine.block4, other.block4))
    ]
    return torch.stack(terms).sum()


def fidelity(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    r"""Distance between the networks' channel energies F in blocks 3 and 4 of both patches.

    .. math::
        \mathcal{L}_{fidelity} = \sum_{i=3}^{4} \| F(\varphi_i(x)) - F(\psi_i(x)) \|^2
            + \| F(\varphi_i(z)) - F(\psi_i(z)) \|^2

    Args:
        student: pyramids of both patches; the numbers of channels may differ from the teacher's.
        teacher: no gradient reaches it.
        batch: not used.

    Returns:
        Mean squared error, summed over the four pairs of maps, in squared units of the features.

    Source: thesis eqs. 3.5 and 3.6; The original, exactly, section 3.1.
    Differs: the thesis writes a squared norm, which is `fidelity_sum`; the author's code takes the
        mean, and so does this.
    """
    return _fidelity(student, teacher, functional.mse_loss)


def fidelity_sum(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`fidelity` with squared norms as printed: summed over a map's cells, mean over the batch.

    Block 3, with four times the cells of block 4, counts four times as much as there.

    Source: thesis eqs. 3.5 and 3.6.
    """
    return _fidelity(student, teacher, _squared_norm)


def _by_own_mean(energies: Maps) -> Maps:
    """Each map divided by its mean, unless that is 0: where things are, not how strong."""
    mean = energies.mean((1, 2), keepdim=True)
    return energies / torch.where(mean == 0, 1, mean)


def fidelity_normalised(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`fidelity` of maps that are each divided by their mean.

    F adds up as many channels as a network has, and a ResNet's cannot be negative: the teacher's
    map is some times the student's before anything is learnt. Divided by its mean, a map says
    where the energy is, whatever the number of channels and their scale.

    Source: ours; The original, exactly, section 2.6, item 10, for what it answers to.
    Differs: neither the thesis nor its code has this.
    """

    def distance(ours: Maps, theirs: Maps) -> Tensor:
        return functional.mse_loss(_by_own_mean(ours), _by_own_mean(theirs))

    return _fidelity(student, teacher, distance)


def _by_own_maximum(responses: Maps) -> Maps:
    """Divide each response by its largest magnitude; 0 stays 0.

    That is its maximum, unless its negative lobe is larger. Divided by a small maximum beside such
    a lobe, a single response would outweigh all others of the batch.
    """
    scale = responses.abs().amax((1, 2), keepdim=True)
    return responses / torch.where(scale > 0, scale, 1)


def _by_batch_maximum(responses: Maps) -> Maps:
    """Divide all responses by their maximum, or by their largest magnitude if none is positive."""
    maximum = responses.amax()
    scale = torch.where(maximum > 0, maximum, -responses.amin())
    return responses / torch.where(scale > 0, scale, 1)


def _correlation_filter(
    student: Output,
    batch: PairBatch,
    normalise: Callable[[Tensor], Tensor],
    distance: Distance,
) -> Float[Tensor, ""]:
    correlation.check(batch.target_box)
    terms = []
    for target, search, stride in zip(student.target, student.search, STRIDES, strict=True):
        kernels = correlation.target_kernels(target, batch.target_box, stride)
        responses = normalise(correlation.response(search, kernels))
        label = correlation.label(batch.search_box, search, stride=stride, spread=SPREAD)
        terms.append(distance(responses, label))
    return torch.stack(terms).sum()


def correlation_filter(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    r"""Distance between the student's correlation maps and a Gaussian at the target.

    .. math:: \mathcal{L}_{CF} = \sum_{i=1}^{4} \| Q_i / \max Q_i - G_i \|^2

    Args:
        student: pyramids of both patches, blocks 1 to 4.
        teacher: not used; the label is the annotation.
        batch: `target_box`, `search_box` in px of their own patch.

    Returns:
        Mean squared error summed over blocks, no unit.

    Raises:
        InputError: if a target box has no area.

    Source: thesis eq. 3.7, p. 31; The original, exactly, section 3.2.
    Differs: the maximum is taken for each sample, the mean for a squared norm; the author's code
        takes the mean too, but one maximum over the batch: `correlation_filter_batch_maximum`. A
        map whose negative lobe is larger than its maximum is divided by that; the original has no
        guard.
    """
    return _correlation_filter(student, batch, _by_own_maximum, functional.mse_loss)


def correlation_filter_sum(student: Output, teacher: Output, batch: PairBatch) -> Float[Tensor, ""]:
    """`correlation_filter` with squared norms as printed: summed over cells, mean over the batch.

    A block counts as much as it has cells: block 1 for 64 times block 4.

    Source: thesis eq. 3.7, p. 31.
    """
    return _correlation_filter(student, batch, _by_own_maximum, _squared_norm)


def correlation_filter_batch_maximum(
    student: Output, teacher: Output, batch: PairBatch
) -> Float[Tensor, ""]:
    """`correlation_filter` with one maximum for all maps of a block in the batch.

    The sample with the strongest response sets the scale of all others, so a pair's loss depends
    on the company it is in.

    Source: CFKD's code; The original, exactly, section 3.2, step 4.
    Differs: guarded against a maximum that is not positive; the original has no guard.
    """
    return _correlation_filter(student, batch, _by_batch_maximum, functional.mse_loss)
