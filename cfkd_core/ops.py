"""Operations without parameters: pooling, correlation, labels."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core import boxes


def bin_weights(
    low: Float[Tensor, "*n"], high: Float[Tensor, "*n"], bins: int, cells: int
) -> Float[Tensor, "*n {bins} {cells}"]:
    """How much each of `cells` feature cells counts in the mean over each bin of [low, high].

    All are 0 where `high` is not above `low`.
    """
    steps = torch.linspace(0, 1, bins + 1, dtype=low.dtype, device=low.device)
    grid = torch.arange(cells, dtype=low.dtype, device=low.device)
    edges = low[..., None] + (high - low)[..., None] * steps
    seen = (edges[..., None] - grid).clamp(-1, 1)
    integral = seen - 0.5 * seen * seen.abs()  # of the unit hat max(0, 1 - |u|), from its middle
    side = high - low
    side = side.masked_fill(side <= 0, torch.inf)  # all that is divided by it is 0
    return integral.diff(dim=-2) * (bins / side)[..., None, None]


def prroi_pool(
    features: Float[Tensor, "b c h w"],
    proposals: Float[Tensor, "b p 4"],
    size: int,
    stride: int,
) -> Float[Tensor, "b p c {size} {size}"]:
    r"""Mean of the bilinearly interpolated features over each of `size` x `size` bins of a box.

    The map is a sum of hats at integer coordinates, zero outside. A hat is separable, so the exact
    integral over a bin is a product of two one-dimensional ones,

    .. math:: P = W_y F W_x^\top,

    with no rounding and no sampling; it is differentiable in the features and in the boxes.

    Args:
        features: one map for each image; cell i lies at pixel `stride` * i.
        proposals: boxes in px of the image that gave the map. A box without an area pools to 0.
        size: bins along each side.
        stride: px per cell.

    Source: Jiang et al., Acquisition of Localization Confidence (ECCV 2018), eq. 6; The
        original, exactly, section 1.4.
    """
    # half precision would round the boxes' edges to a tenth of a cell
    with torch.autocast(features.device.type, enabled=False):
        corners = boxes.to_xyxy(proposals) / stride
        across = bin_weights(corners[..., 0], corners[..., 2], size, features.shape[3])
        down = bin_weights(corners[..., 1], corners[..., 3], size, features.shape[2])
        training = features.requires_grad or features.dtype in (torch.bfloat16, torch.float16)
        if training and not proposals.requires_grad and size <= 5:
            return _pool_by_cells(features, down, across)
        columns = torch.einsum("bchw,bpmw->bpchm", features.to(across), across)
        return torch.einsum("bpnh,bpchm->bpcnm", down, columns)


def _pool_by_cells(
    features: Float[Tensor, "b c h w"],
    down: Float[Tensor, "b p n h"],
    across: Float[Tensor, "b p m w"],
) -> Float[Tensor, "b p c n m"]:
    """Pool with one matrix product an image, in the precision of the features.

    More products than one axis after the other, but maps with their channels last are not copied:
    for a few bins five times as fast in training, where the gradient of the features is asked for
    and that of the boxes is not.
    """
    weights = torch.einsum("bpnh,bpmw->bpnmhw", down, across).flatten(4).flatten(1, 3)
    cells = features.flatten(2).transpose(1, 2)
    pooled = torch.bmm(weights.to(features.dtype), cells)
    return pooled.unflatten(1, (down.shape[1], down.shape[2], across.shape[2])).movedim(-1, 2)


def cross_correlate(
    search: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b c n m"]
) -> Float[Tensor, "b y x"]:
    """Inner product of each map with its own kernel at every place where the kernel fits.

    Kernels that should slide past the border get a padded map. The result has
    y = h - n + 1 rows and x = w - m + 1 columns.

    Source: the operation * of SiamFC, thesis section 1.4.1 and Fig. 1.1.
    """
    batch, channels, height, width = search.shape
    stacked = search.reshape(1, batch * channels, height, width)
    return functional.conv2d(stacked, kernels, groups=batch)[0]


def channel_energy(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w"]:
    """Sum of the channels' magnitudes: F in thesis eq. 3.5, how much goes on in each cell.

    Maps of different depth can be compared by it.
    """
    return features.abs().sum(1)


def gaussian_label(
    centres: Float[Tensor, "*n 2"], size: int, sigma: float
) -> Float[Tensor, "*n {size} {size}"]:
    """Gaussians of height 1 on a square map of `size` cells.

    Args:
        centres: (x, y) in cells; the peak is on cell (i, j) where the centre is exactly (j, i).
        sigma: standard deviation in cells.

    Source: g in thesis eq. 1.1 and 3.7; as a product of two one-dimensional
    Gaussians, The original, exactly, section 3.2, step 5.
    """
    grid = torch.arange(size, dtype=centres.dtype, device=centres.device)
    line = torch.exp(-0.5 * ((grid - centres[..., None]) / sigma) ** 2)
    return line[..., 1, :, None] * line[..., 0, None, :]
