"""The target's features, sought in the search patch: what the tracking-specific terms share."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core import boxes, ops
from cfkd_core.errors import InputError

NOMINAL_TARGET = 58
"""Side of a target in its patch, px: 288 / 5, rounded up (The original, exactly, section 3.2)."""


def kernel_size(stride: int) -> int:
    """Cells along a side of a kernel; odd, so that it has a middle cell.

    Source: The original, exactly, section 3.2, step 1: 29, 15, 9 and 5 for blocks 1 to 4.
    """
    return math.ceil(NOMINAL_TARGET / stride) | 1


def check(target_box: Float[Tensor, "b 4"]) -> None:
    """Makes sure that each pair has a target to correlate with.

    Once a term, not once a block: a GPU must be waited for to know.

    Raises:
        InputError: if a box has no area or is absent.
    """
    usable = (target_box[:, 2:] > 0).all(1)
    if not usable.all():
        shown = ",".join(f"{value:g}" for value in target_box[~usable][0].tolist())
        raise InputError(f"target box {shown}: has no area; leave out pairs without a target")


def target_kernels(
    features: Float[Tensor, "b c h w"], target_box: Float[Tensor, "b 4"], stride: int
) -> Float[Tensor, "b c k k"]:
    """What lies under the target's box, resampled to `kernel_size` cells whatever its shape.

    Args:
        features: of the target patch.
        target_box: px of the target patch.
        stride: px per cell.

    Source: thesis section 3.3.2; The original, exactly, section 3.2, step 2.
    """
    proposals = target_box.to(features)[:, None]
    return ops.prroi_pool(features, proposals, kernel_size(stride), stride)[:, 0]


def response(
    search: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b c k k"]
) -> Float[Tensor, "b h w"]:
    """Correlation of each search map, zero outside, with its own kernel of odd side.

    Equals `ops.cross_correlate` on a padded map. With 29 x 29 cells to a kernel the Fourier domain
    is some forty times as fast, because the sum over channels comes before the way back.

    Source: Q in thesis eq. 3.7, W in eqs. 2.9 and 2.10.
    """
    height, width = search.shape[2:]
    half = kernels.shape[-1] // 2
    # Room enough that what wraps around stays outside; then up to a multiple of 8, for a transform
    # of 2 x 79 points takes more than twice as long as one of 160.
    size = [math.ceil((side + half) / 8) * 8 for side in (height, width)]
    spectrum = torch.fft.rfft2(search, size) * torch.fft.rfft2(kernels, size).conj()
    corner_based = torch.fft.irfft2(spectrum.sum(1), size)
    return corner_based.roll((half, half), (1, 2))[:, :height, :width]


def label(
    box: Float[Tensor, "b 4"], like: Float[Tensor, "b c s s"], *, stride: int, spread: float
) -> Float[Tensor, "b s s"]:
    """A Gaussian of height 1 at the centre of each box.

    Args:
        box: px of the patch that gave the features.
        like: these features: the label has their size, kind of number and device.
        stride: px per cell.
        spread: standard deviation as a share of the map's side.

    Source: The original, exactly, section 3.2, step 5.
    """
    # Cell i is taken to cover [i, i + 1) strides here, but to lie at i strides where it is pooled:
    # half a cell apart, as in the original.
    centres = boxes.centre(box.to(like)) / stride - 0.5
    size = like.shape[-1]
    return ops.gaussian_label(centres, size, spread * size)
