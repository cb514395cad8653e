"""Claims on size, operations and speed, decided by counting in the modules and by the clock."""

from functools import cache, partial

import torch
from torch import nn

from cfkd_core._compat import torchvision
from cfkd_core.benchmarks import cost
from cfkd_core.claims.finding import Finding, as_printed, decided
from cfkd_core.models.atom import AtomNet, build_atom
from cfkd_core.models.backbones import InvertedResidual, build_backbone
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.tracking.drnet import DRNET
from cfkd_core.tracking.load import tracker_for
from cfkd_core.tracking.refine import RefineOptions, ascend

_SIDE = 288


@cache
def _network(name: str) -> AtomNet:
    return build_atom(name).eval()


def _image(side: int) -> torch.Tensor:
    return torch.zeros(1, 3, side, side)


@cache
def _layers(backbone: str, side: int = _SIDE) -> tuple[cost.LayerCost, ...]:
    return cost.layer_costs(build_backbone(backbone).eval(), _image(side))


def _billions(backbone: str, reading: str, side: int = _SIDE) -> float:
    return sum(getattr(layer, reading) for layer in _layers(backbone, side)) / 1e9


@torch.no_grad()
def _head_work(network: str, side: int, boxes: int, passes: int) -> float:
    """Billion MACs that the head makes in one frame."""
    net = _network(network)
    pyramid = net.backbone(_image(side))
    box = torch.tensor([[100.0, 100, 60, 60]])
    head = net.head_as(ProposalHead)
    layers = cost.layer_costs(head, pyramid, box, pyramid, box.repeat(boxes, 1)[None])
    macs = {name: sum(layer.macs for layer in part) for name, part in cost.by_part(layers).items()}
    judging = passes * (macs["fc3"] + macs["fc4"] + macs["output"])
    return (macs["search_conv3"] + macs["search_conv4"] + judging) / 1e9


def separable_share() -> Finding:
    """Eq. 3.4: what a depthwise separable convolution costs, as a share of a full one."""
    maps, inputs, outputs = torch.zeros(1, 24, 20, 20), 24, 40
    full = nn.Conv2d(inputs, outputs, 3, padding=1)
    pair = nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1)
    )
    counted = [
        sum(c.macs for c in cost.layer_costs(nn.Sequential(net), maps)) for net in (pair, full)
    ]
    share, promised = counted[0] / counted[1], 1 / outputs + 1 / 9
    return decided(
        abs(share - promised) < 1e-12, f"counted {share:.4f}, the equation gives {promised:.4f}"
    )


def flops(backbone: str, printed: str, side: int = _SIDE) -> Finding:
    """Billions by Eq. 4.5 as it is written, for a backbone up to block 4."""
    found, macs = (_billions(backbone, reading, side) for reading in ("eq_4_5", "macs"))
    return as_printed(
        found,
        printed,
        f"Eq. 4.5 gives {found:.4f} billion at {side} px, against {printed}; multiplications that "
        f"are really made: {macs:.4f}",
    )


def fewer_operations(times: float) -> Finding:
    """How many times fewer multiplications one frame takes: backbone and head's search branch."""
    passes = 2 * RefineOptions().steps
    whole = {
        name: _billions(backbone, "macs")
        + _head_work(name, _SIDE, RefineOptions().proposals, passes)
        for name, backbone in (("atom", "resnet18"), ("matom", "mobilenet_v2"))
    }
    ratio = whole["atom"] / whole["matom"]
    backbones = _billions("resnet18", "macs") / _billions("mobilenet_v2", "macs")
    return decided(
        ratio > times,
        f"{ratio:.1f} times in the network's part of a frame; {backbones:.1f} times in the "
        "backbones alone",
    )


def network_size(network: str, printed: float) -> Finding:
    """Megabytes of the parameters in use, against the thesis's column "Size"."""
    net = _network(network)
    found = cost.megabytes(net)
    whole = nn.ModuleList([net, cost.dead_tail(net.backbone)])
    file = cost.checkpoint_bytes(whole, net.iou_head) / 2**20
    return decided(
        abs(found - printed) <= 0.05 * printed,
        f"{found:.2f} MB are in use, {printed:g} are printed; a training checkpoint with layers "
        f"that never run and Adam's means of the head has {file:.1f} MiB",
    )


def times_smaller(times: float) -> Finding:
    """How many times smaller mATOM is than ATOM, by the parameters in use."""
    ratio = cost.megabytes(_network("atom")) / cost.megabytes(_network("matom"))
    return decided(
        abs(ratio - times) <= 0.1 * times,
        f"{ratio:.1f} times by the parameters in use: more than claimed",
    )


def smaller_and_cheaper(network: str, than: str) -> Finding:
    """Whether a network is smaller and multiplies less than another."""
    nets = [_network(name) for name in (network, than)]
    sizes = [cost.megabytes(net) for net in nets]
    macs = [_billions(net.backbone.name, "macs") for net in nets]
    return decided(
        sizes[0] < sizes[1] and macs[0] < macs[1],
        f"{sizes[0]:.2f} against {sizes[1]:.2f} MB, {macs[0]:.3f} against {macs[1]:.3f} billion "
        "multiplications",
    )


def size_ratio(network: str, than: str, printed: float, tolerance: float) -> Finding:
    """How many times larger a network is than another."""
    ratio = cost.megabytes(_network(network)) / cost.megabytes(_network(than))
    return decided(abs(ratio - printed) <= tolerance, f"{ratio:.1f} times by the parameters in use")


def drnet_reduction(percent: float, tolerance: float) -> Finding:
    """By how much size and operations fall from DRNet to mDRNet."""
    size = 100 * (1 - cost.megabytes(_network("mdrnet")) / cost.megabytes(_network("drnet")))
    side = DRNET.size
    work = 100 * (1 - _billions("mobilenet_v2", "macs", side) / _billions("resnet50", "macs", side))
    return decided(
        max(abs(size - percent), abs(work - percent)) <= tolerance,
        f"size -{size:.1f} %, multiplications -{work:.1f} %",
    )


def bottlenecks(printed: int) -> Finding:
    """How many bottleneck blocks MobileNetV2 has."""
    full = torchvision.models.mobilenet_v2()
    name = InvertedResidual.__name__
    found = sum(type(module).__name__ == name for module in full.modules())
    return decided(
        found == printed,
        f"{found} bottlenecks; {len(full.features)} stages with the first and the last convolution",
    )


def head_width(share: float) -> Finding:
    """The student's head, as a share of the teacher's channels."""
    widths = [_network(name).head_as(ProposalHead).width for name in ("matom", "atom")]
    found = widths[0] / widths[1]
    return decided(
        found == share, f"{widths[0]} channels of {widths[1]}: to a quarter, not by a quarter"
    )


def classifier_halved(network: str) -> Finding:
    """Whether a student's online classifier has half the teacher's channels."""
    found, whole = (
        tracker_for(_network(name), name).options.classifier.channels for name in (network, "atom")
    )
    return decided(2 * found == whole, f"{found} channels, the teacher's {whole}")


def block_sizes(student: str, teacher: str) -> Finding:
    """Whether the maps of two backbones have the same rows and columns, block by block."""
    with torch.no_grad():
        sizes = [
            [tuple(block.shape[2:]) for block in build_backbone(name).eval()(_image(_SIDE))]
            for name in (student, teacher)
        ]
    return decided(sizes[0] == sizes[1], ", ".join(f"{h} × {w}" for h, w in sizes[0]))


def head_smaller_than_backbone() -> Finding:
    """Whether ATOM's IoUNet is smaller than its backbone."""
    net = _network("atom")
    head = cost.megabytes(net.head_as(ProposalHead))
    backbone = cost.megabytes(net.backbone)
    return decided(head < backbone, f"IoUNet {head:.1f} MB, backbone to block 4 {backbone:.1f} MB")


def faster_backbone(student: str, teacher: str, times: float) -> Finding:
    """Whether a backbone is so many times faster than another, on one CPU thread, now."""
    seconds = [
        cost.latency(partial(build_backbone(name).eval(), _image(_SIDE)), runs=3, warm_up=1)
        for name in (student, teacher)
    ]
    ratio = seconds[1] / seconds[0]
    # no decimals: another machine, another factor
    return decided(
        ratio >= times, f"about {ratio:.0f} times as fast on one thread of the building machine"
    )


def drnet_faster_than_atom() -> Finding:
    """Whether the networks' part of a frame takes DRNet less time than ATOM, on one CPU thread."""
    options = RefineOptions()
    seconds = {
        "atom": _frame_seconds("atom", _SIDE, options),
        "drnet": _frame_seconds("drnet", DRNET.size, None),
    }
    ratio = seconds["drnet"] / seconds["atom"]
    return decided(
        ratio < 1,
        f"DRNet's networks take about {ratio:.1f} times as long as ATOM's on one thread: larger "
        "patches and a larger backbone outweigh the climb that it saves",
    )


def _frame_seconds(name: str, side: int, climb: RefineOptions | None) -> float:
    """Backbone, search branch, and either a climb of proposals or one look."""
    net, image = _network(name), _image(side)
    head = net.head_as(ProposalHead)
    box = torch.tensor([[100.0, 100, 60, 60]])

    @torch.inference_mode(False)
    @torch.no_grad()
    def frame() -> None:
        pyramid = net.backbone(image)
        features = head.search_features(pyramid)
        if climb is None:
            head.predict(features, modulation, box[None])
        else:
            proposals = box.repeat(climb.proposals, 1)
            ascend(lambda p: head.predict(features, modulation, p[None])[0], proposals, climb)

    with torch.no_grad():
        modulation = head.modulation(net.backbone(image), box)
    return cost.latency(frame, runs=2, warm_up=1)


def training_is_the_correlation() -> Finding:
    """What part of a training step's multiplications the CF term's correlations are."""
    layers = {name: _layers(name) for name in ("resnet18", "mobilenet_v2")}
    teacher, student = (2 * sum(layer.macs for layer in each) for each in layers.values())
    channels = build_backbone("mobilenet_v2").channels
    cells, kernels = (144, 72, 36, 18), (29, 15, 9, 5)
    direct = sum(
        (side * kernel) ** 2 * depth
        for side, kernel, depth in zip(cells, kernels, channels, strict=True)
    )
    # forwards once, backwards twice, the teacher forwards only
    share = 3 * direct / (3 * direct + teacher + 3 * student)
    return Finding(
        "undecidable",
        f"{100 * share:.0f} % of the backbones' and correlations' multiplications in a step; what "
        "the clock of the author's graphics card said is not known",
    )


CHECKS = (
    separable_share,
    flops,
    fewer_operations,
    network_size,
    times_smaller,
    smaller_and_cheaper,
    size_ratio,
    drnet_reduction,
    bottlenecks,
    head_width,
    classifier_halved,
    block_sizes,
    head_smaller_than_backbone,
    faster_backbone,
    drnet_faster_than_atom,
    training_is_the_correlation,
)
