"""One student in training: its stage, its optimiser and the average of its weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, update_bn

from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.iou_head import ProposalHead
from cfkd_core.training.distill import Distiller
from cfkd_core.training.stage import Stage, stage_at

Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass
class StudentState:
    """One student in training.

    Attributes:
        stage: number of the stage that `optimiser` was made for; -1 before the first, when there is
            no optimiser.
        average: the moving average of the weights, where the stage asks for one.
        parameters: those that the optimiser updates.
    """

    name: str
    net: AtomNet
    stages: tuple[Stage, ...]
    stage: int = -1
    optimiser: Optimizer = field(init=False)
    average: AveragedModel | None = None
    parameters: list[nn.Parameter] = field(default_factory=list)

    @property
    def result(self) -> AtomNet:
        """The weights that count: their average where there is one."""
        return self.net if self.average is None else cast(AtomNet, self.average.module)

    def enter(self, step: int, distiller: Distiller, fabric: Fabric) -> Stage | None:
        """Prepare for update `step`: a new optimiser at a stage's first, and the learning rate.

        Returns:
            The stage of this step; None after the last.
        """
        place = stage_at(self.stages, step)
        if place is None:
            return None
        number, within = place
        stage = self.stages[number]
        if number != self.stage:
            self.start_stage(number, distiller, fabric)
        for group in self.optimiser.param_groups:
            group["lr"] = stage.rate(within)
        return stage

    def start_stage(self, number: int, distiller: Distiller, fabric: Fabric) -> None:
        """Make the optimiser and the average of a stage."""
        stage = self.stages[number]
        self.stage = number
        self.parameters = list(distiller.learn(self.name, stage.trained))
        adam = AdamW(self.parameters, lr=stage.lr, weight_decay=stage.weight_decay)
        self.optimiser = cast(Optimizer, fabric.setup_optimizers(adam))
        self.average = None
        if stage.average:
            self.average = AveragedModel(
                self.net, multi_avg_fn=_moving_average(stage.average), use_buffers=True
            )

    def update(self, clip: float) -> Tensor:
        """Clip the gradient, update the weights and their average.

        Returns:
            The norm that the gradient had.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters, clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.net)
        return norm

    def recalibrate(self, batches: Iterable[PairBatch], fabric: Fabric) -> None:
        """Measure the statistics of BatchNorm anew, for the average of the weights.

        The average of the statistics is that of other weights; it stays where there is no batch.
        Changes nothing without an average.
        """
        measured = [(batch,) for batch in batches] if self.average is not None else []
        if not measured:
            return
        net = self.result
        trained = self.stages[self.stage].trained
        parts = [getattr(net, {"backbone": "backbone", "head": "iou_head"}[p]) for p in trained]
        with fabric.autocast():
            # `update_bn` takes the first element of what a loader yields
            update_bn(measured, _Parts(net, parts))

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs, besides the network's own."""
        return {
            "stage": self.stage,
            "optimiser": self.optimiser.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any], distiller: Distiller, fabric: Fabric) -> None:
        """Go back to where `state_dict` was taken."""
        self.start_stage(state["stage"], distiller, fabric)
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


class _Parts(nn.Module):
    """Some parts of a network, called with a batch; the other parts stay in evaluation mode."""

    def __init__(self, net: AtomNet, parts: list[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self._net = (net,)  # in a tuple: not a submodule

    def forward(self, batch: PairBatch) -> None:
        (net,) = self._net
        channels_last = torch.channels_last
        target, search = (
            net.backbone(images.contiguous(memory_format=channels_last))
            for images in (batch.target, batch.search)
        )
        if any(isinstance(part, ProposalHead) for part in self.parts):
            net.head_as(ProposalHead)(target, batch.target_box, search, batch.proposals)


def _moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Make the update of `AveragedModel`: move by 9 / (10 + step), later by 1 - `decay`.

    The first weights are random; with a fixed decay they would be a third of the average still
    after 1 / (1 - decay) steps. With a decay of 1 the weights of step t count as t^8.
    """

    def update(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        share = max(1 - decay, 9 / (10 + int(count)))
        for ours, theirs in zip(averaged, current, strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, share)
            else:  # BatchNorm counts its batches
                ours.copy_(theirs)

    return update
