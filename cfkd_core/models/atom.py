"""A backbone and a head: the network inside a tracker."""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from cfkd_core.errors import InputError
from cfkd_core.models.backbones import Backbone, build_backbone
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import IoUHead, ProposalHead
from cfkd_core.models.pyramid import Pyramid

Head = TypeVar("Head", bound=ProposalHead)

HEADS: dict[str, type[IoUHead] | type[BoxHead]] = {"iou": IoUHead, "box": BoxHead}


@dataclass(frozen=True)
class Architecture:
    """What must be known to build a network.

    Attributes:
        backbone: a name in `BACKBONES`.
        head: a name in `HEADS`, or "none" for a backbone alone.
        width: channels of the head's search features; 0 without a head.
    """

    backbone: str
    head: str
    width: int


# Widths: The original, exactly, sections 1.2, 1.5, 2.2 and 2.3.
ARCHITECTURES = {
    "atom": Architecture("resnet18", "iou", 256),
    "matom": Architecture("mobilenet_v2", "iou", 64),
    "atom_m": Architecture("resnet18_m", "iou", 128),
    "atom_s": Architecture("resnet18_s", "iou", 64),
    "atom_t": Architecture("resnet18_t", "iou", 32),
    "drnet": Architecture("resnet50", "box", 256),
    "mdrnet": Architecture("mobilenet_v2", "box", 64),
}


class AtomOutput(NamedTuple):
    """What ATOM says of a pair of patches, and the features it says it from.

    Attributes:
        iou: predicted 2 * IoU - 1 of each proposal.
    """

    iou: Float[Tensor, "b p"]
    target: Pyramid
    search: Pyramid


class DrnetOutput(NamedTuple):
    """What DRNet says of a pair of patches, and the features it says it from.

    Attributes:
        offsets: (dx, dy, dw, dh) from each proposal to the target; see `BoxHead`.
    """

    offsets: Float[Tensor, "b p 4"]
    target: Pyramid
    search: Pyramid


Output = AtomOutput | DrnetOutput


class AtomNet(nn.Module):
    """A backbone with a head on top, or alone: then a tracker has its online classifier only."""

    def __init__(self, backbone: Backbone, iou_head: IoUHead | BoxHead | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.iou_head = iou_head

    @property
    def architecture(self) -> Architecture:
        """What this network was built from."""
        if self.iou_head is None:
            return Architecture(self.backbone.name, "none", 0)
        head = next(name for name, kind in HEADS.items() if isinstance(self.iou_head, kind))
        return Architecture(self.backbone.name, head, self.iou_head.width)

    def head_as(self, kind: type[Head]) -> Head:
        """The head, for whoever cannot do without one of that kind.

        Raises:
            InputError: if there is none, or it is of another kind.
        """
        if self.iou_head is None:
            raise InputError("this network is a backbone alone; give AtomNet a head to judge boxes")
        if not isinstance(self.iou_head, kind):
            own = type(self.iou_head).__name__
            raise InputError(f"this network's head is of kind {own}; {kind.__name__} is needed")
        return self.iou_head

    def forward(
        self,
        target: Float[Tensor, "b 3 s s"],
        target_box: Float[Tensor, "b 4"],
        search: Float[Tensor, "b 3 s s"],
        proposals: Float[Tensor, "b p 4"],
    ) -> Output:
        """Judges boxes of the search patch.

        Args:
            target: RGB in [0, 1].
            target_box: px of the target patch.
            search: RGB in [0, 1].
            proposals: px of the search patch.

        Raises:
            InputError: if the network has no head.
        """
        return self.judge(self.backbone(target), target_box, self.backbone(search), proposals)

    def judge(
        self,
        target: Pyramid,
        target_box: Float[Tensor, "b 4"],
        search: Pyramid,
        proposals: Float[Tensor, "b p 4"],
    ) -> Output:
        """`forward` from the features of both patches on.

        Raises:
            InputError: if the network has no head.
        """
        head = self.head_as(ProposalHead)
        values = head(target, target_box, search, proposals)
        output = DrnetOutput if isinstance(head, BoxHead) else AtomOutput
        return output(values, target, search)


def build(architecture: Architecture) -> AtomNet:
    """A network with random weights, from torch's global generator."""
    backbone = build_backbone(architecture.backbone)
    if architecture.head == "none":
        return AtomNet(backbone, None)
    _, _, channels3, channels4 = backbone.channels
    return AtomNet(backbone, HEADS[architecture.head](channels3, channels4, architecture.width))


def build_atom(name: str) -> AtomNet:
    """One of `ARCHITECTURES`, with random weights.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"network {name!r}: unknown; choose one of {', '.join(ARCHITECTURES)}")
    return build(ARCHITECTURES[name])
