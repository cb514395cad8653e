"""Claims on equations and on what the terms of the loss do, decided by calling them."""

import math

import torch
from torch.nn import functional

from cfkd_core.claims.finding import Finding, decided
from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.losses import features, iou, rivals
from cfkd_core.models.atom import AtomOutput, build_atom
from cfkd_core.models.pyramid import STRIDES, Pyramid
from cfkd_core.ops import gaussian_label

_SIDE = 96  # px of the small patches here
_CHANNELS = (4, 6, 8, 12)


def _draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _pyramid(seed: int) -> Pyramid:
    """Random features, positive as after a ReLU."""
    generator = _draw(seed)
    return Pyramid(
        *(
            torch.rand(1, c, _SIDE // s, _SIDE // s, generator=generator)
            for c, s in zip(_CHANNELS, STRIDES, strict=True)
        )
    )


def _pair() -> PairBatch:
    box = torch.tensor([[36.0, 36.0, 24.0, 24.0]])
    image = torch.zeros(1, 3, _SIDE, _SIDE)
    proposals = box[:, None] + torch.tensor([[[0.0, 0, 0, 0], [4.0, 2, 3, -2]]])
    return PairBatch(image, image, box, box, proposals, torch.tensor([[1.0, 0.2]]))


def _said(*values: float) -> AtomOutput:
    """An output that says these overlaps."""
    empty = _pyramid(0)
    return AtomOutput(torch.tensor([values], requires_grad=True), empty, empty)


def temperature_softens() -> Finding:
    """Eqs. 1.4 and 1.5: a higher temperature gives a distribution of higher entropy."""
    logits = torch.tensor([4.0, 1.0, -2.0, 0.5])

    def entropy(temperature: float) -> float:
        p = torch.softmax(logits / temperature, 0)
        return float(-(p * p.log()).sum())

    found = [entropy(t) for t in (0.5, 1.0, 2.0, 8.0)]
    return decided(
        found == sorted(found) and found[0] > 0,
        "entropy at temperatures 0.5, 1, 2, 8: "
        + ", ".join(f"{x:.2f}" for x in found)
        + f"; of a one-hot label 0, of no knowledge {math.log(4):.2f}",
    )


def cf_ignores_scale() -> Finding:
    """Eq. 3.7: divided by its maximum, a map costs the same whatever the scale of the features."""
    costs = []
    for scale in (1.0, 3.0):
        scaled = Pyramid(*(scale * block for block in _pyramid(1)))
        output = AtomOutput(torch.zeros(1, 2), scaled, scaled)
        costs.append(float(features.correlation_filter(output, output, _pair())))
    return decided(
        math.isclose(*costs, rel_tol=1e-4), f"{costs[0]:.4f} and, tripled, {costs[1]:.4f}"
    )


def cf_sees_distractors() -> Finding:
    """Section 3.3.2, second effect: a look-alike in the search patch raises the loss."""
    costs = []
    for twins in (False, True):
        blocks = []
        for c, s in zip(_CHANNELS, STRIDES, strict=True):
            side = _SIDE // s
            spots = [(48.0, 48.0), (80.0, 16.0)][: 1 + twins]
            centres = torch.tensor(spots) / s - 0.5
            energy = gaussian_label(centres, side, 0.06 * side).sum(0, keepdim=True)
            blocks.append(energy[:, None].expand(-1, c, -1, -1).contiguous())
        output = AtomOutput(torch.zeros(1, 2), _one_spot(), Pyramid(*blocks))
        costs.append(float(features.correlation_filter(output, output, _pair())))
    return decided(
        costs[1] > 1.2 * costs[0], f"{costs[0]:.3f} alone, {costs[1]:.3f} with a look-alike"
    )


def _one_spot() -> Pyramid:
    """A target in the middle of its patch, the same in all channels."""
    return Pyramid(
        *(
            gaussian_label(torch.tensor([[48.0, 48.0]]) / s - 0.5, _SIDE // s, 0.06 * _SIDE / s)[
                :, None
            ].expand(-1, c, -1, -1)
            for c, s in zip(_CHANNELS, STRIDES, strict=True)
        )
    )


def cf_teaches_early_blocks() -> Finding:
    """Section 3.3.2, third effect: CF has a slope in all four blocks, fidelity in two."""
    student = Pyramid(*(block.requires_grad_() for block in _pyramid(2)))
    output = AtomOutput(torch.zeros(1, 2), student, student)
    other = AtomOutput(torch.zeros(1, 2), _pyramid(3), _pyramid(3))
    reached = {}
    for name, term in (("CF", features.correlation_filter), ("fidelity", features.fidelity)):
        slopes = torch.autograd.grad(term(output, other, _pair()), student, allow_unused=True)
        reached[name] = [i + 1 for i, g in enumerate(slopes) if g is not None and g.abs().max() > 0]
    return decided(
        reached == {"CF": [1, 2, 3, 4], "fidelity": [3, 4]},
        "; ".join(
            f"{name} has a slope in blocks {', '.join(map(str, found))}"
            for name, found in reached.items()
        ),
    )


def hard_loss_stops() -> Finding:
    """Eq. 3.10: no slope once the student is better than its teacher by the threshold."""
    slopes = []
    for student in (_said(0.95, 0.25), _said(0.2, 0.9)):
        loss = iou.adaptive_hard(student, _said(0.8, 0.4), _pair())
        (slope,) = torch.autograd.grad(loss, student.iou)
        slopes.append(float(slope.abs().max()))
    return decided(
        slopes[0] == 0 < slopes[1],
        f"slope {slopes[0]:g} where the student is ahead, {slopes[1]:.2f} where it lags; the "
        f"threshold is {iou.THRESHOLD:g} in the author's code, the thesis has no value",
    )


def smooth_l1() -> Finding:
    """Eq. 3.9: quadratic below 1, linear above."""
    gaps = torch.linspace(-3, 3, 61)
    by_hand = torch.where(gaps.abs() < 1, gaps.square() / 2, gaps.abs() - 0.5)
    off = float((functional.smooth_l1_loss(gaps, 0 * gaps, reduction="none") - by_hand).abs().max())
    return decided(off < 1e-6, f"PyTorch's smooth L1 differs by {off:.1g} at most")


def head_errors_reach_backbone() -> Finding:
    """Section 3.5: the errors of the head flow into the backbone."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = build_atom("matom").eval()
        images = torch.rand(2, 1, 3, _SIDE, _SIDE)
    pair = _pair()
    output = net(images[0], pair.target_box, images[1], pair.proposals)
    iou.teacher_soft(output, _said(0.5, -0.5), pair).backward()
    parts = {
        name: [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
        for name, block in net.backbone.named_children()
    }
    reached = [name for name, slopes in parts.items() if any(slopes)]
    return decided(
        len(reached) == len(STRIDES), f"the teacher soft loss has a slope in {', '.join(reached)}"
    )


def wang_is_what_it_says() -> Finding:
    """Whether the tracking loss that stands for Wang et al. vanishes for perfect features."""
    output = AtomOutput(torch.zeros(1, 2), _pyramid(4), _pyramid(4))
    with_sum, without = (
        float(term(output, output, _pair()))
        for term in (rivals.tracking, rivals.tracking_per_channel)
    )
    return decided(
        without < 10 * with_sum,
        f"with a search patch equal to the target patch the loss is {with_sum:.5f} by the "
        f"equations and {without:.3f} as implemented, which asks each channel for the whole answer",
    )


def equation_2_6() -> Finding:
    """Whether eq. 2.6, without a sum over channels below the line, is the solution of eq. 1.2."""
    x = torch.fft.fft2(torch.randn(1, 8, 16, 16, generator=_draw()))
    label = gaussian_label(torch.tensor([[7.5, 7.5]]), 16, 2.0)
    y = torch.fft.fft2(label)[:, None]
    off = []
    for energy in (x.abs().square(), x.abs().square().sum(1, keepdim=True)):
        answer = torch.fft.ifft2((x * (y * x.conj() / (energy + 1e-5))).sum(1)).real
        off.append(float((answer - label).abs().max()))
    return decided(
        off[0] < 0.01,
        f"on its own patch the printed filter misses its label by {off[0]:.1f}, with eq. 1.2's sum "
        f"by {off[1]:.0e}",
    )


CHECKS = (
    temperature_softens,
    cf_ignores_scale,
    cf_sees_distractors,
    cf_teaches_early_blocks,
    hard_loss_stops,
    smooth_l1,
    head_errors_reach_backbone,
    wang_is_what_it_says,
    equation_2_6,
)
