"""What is measured of a student at each checkpoint: its features, its head, its gradients.

Everything here is a function of a network and of pairs that nothing was trained on.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source
from cfkd_core.losses import LOSSES
from cfkd_core.models.atom import AtomNet, Output
from cfkd_core.models.backbones import Backbone

HELD_OUT = PairOptions(grey=0.0, brightness=0.0, scale_jitter=0.15, shift_jitter=1.0)
"""Pairs as a tracker meets them: a search patch around a box that is a little wrong."""


def held_out_pairs(
    sources: list[Source], count: int = 96, options: PairOptions = HELD_OUT
) -> list[PairBatch]:
    """Draw batches of 8 pairs from sequences that nothing was trained on; the same each time."""
    drawn = PairDataset(sources, count, 0, options)
    return [drawn.batch(list(range(start, start + 8))) for start in range(0, count, 8)]


def linear_cka(x: Float[Tensor, "n c"], y: Float[Tensor, "n d"]) -> float:
    r"""Linear centred kernel alignment of two sets of features of the same cells, in [0, 1].

    .. math:: \| Y^\top X \|_F^2 / (\| X^\top X \|_F \, \| Y^\top Y \|_F)

    with centred columns. It ignores rotations and the scale of either. 0 if one is constant.

    Source: Kornblith et al., Similarity of Neural Network Representations Revisited (ICML 2019),
        eq. 3 with linear kernels.
    """
    x, y = (each.double() - each.double().mean(0) for each in (x, y))
    scale = (x.T @ x).norm() * (y.T @ y).norm()
    return float((y.T @ x).square().sum() / scale) if scale > 0 else 0.0


def effective_rank(features: Float[Tensor, "n c"]) -> float:
    r"""In how many directions centred features vary: exp of the entropy of their singular values.

    Between 1 and the number of channels; 0 if they do not vary at all.

    Source: Roy and Vetterli, The effective rank (EUSIPCO 2007), definition 1.
    """
    values = torch.linalg.svdvals(features.double() - features.double().mean(0))
    if values[0] == 0:
        return 0.0
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())


@torch.no_grad()
def cell_features(
    backbone: Backbone, batches: Iterable[PairBatch]
) -> dict[str, Float[Tensor, "n c"]]:
    """Blocks 3 and 4 of the search patches, a row a cell.

    Of every second cell in block 3 along each axis: both blocks then give as many rows.
    """
    found: dict[str, list[Tensor]] = {"block3": [], "block4": []}
    for batch in batches:
        pyramid = backbone(batch.search)
        found["block3"].append(_rows(pyramid.block3[..., ::2, ::2]))
        found["block4"].append(_rows(pyramid.block4))
    return {name: torch.cat(rows) for name, rows in found.items()}


def _rows(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "n c"]:
    return maps.movedim(1, -1).flatten(0, 2)


@torch.no_grad()
def mean_term(term: str, net: AtomNet, batches: list[PairBatch]) -> float:
    """The mean of a loss term that needs no teacher, over batches, in evaluation mode."""
    outputs = ((answer(net, batch), batch) for batch in batches)
    return float(torch.stack([LOSSES[term](out, out, batch) for out, batch in outputs]).mean())


def answer(net: AtomNet, batch: PairBatch) -> Output:
    """The forward pass of a batch."""
    return net(batch.target, batch.target_box, batch.search, batch.proposals)


def backbone_gradients(
    net: AtomNet, teacher: Output, batch: PairBatch, terms: Iterable[str]
) -> dict[str, float]:
    """Norm of each term's unweighted gradient in all parameters of the backbone.

    In training mode: with BatchNorm's statistics of the batch. `adaptive_hard` is taken as if it
    were switched on, for what counts is how hard it could pull.

    Args:
        teacher: its answer to the batch.
        terms: names in `LOSSES`; those with weights of their own are left out.
    """
    net = deepcopy(net).train()  # training mode moves BatchNorm's statistics: the copy's
    net.backbone.requires_grad_(True)
    parameters = list(net.backbone.parameters())
    with torch.enable_grad():
        ours = answer(net, batch)
        found = {}
        for name in (each for each in terms if each in LOSSES):
            term = LOSSES["ground_truth" if name == "adaptive_hard" else name]
            gradients = torch.autograd.grad(
                term(ours, teacher, batch), parameters, retain_graph=True, allow_unused=True
            )
            found[name] = _norm(gradients)
    return found


def _norm(gradients: Iterable[Tensor | None]) -> float:
    norms = [each.norm() for each in gradients if each is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0


def gradient_shares(norms: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Each term's part of the sum of the weighted norms; 0 for all where that is 0."""
    weighted = {name: weights[name] * norm for name, norm in norms.items()}
    total = sum(weighted.values())
    return {name: value / total if total else 0.0 for name, value in weighted.items()}
