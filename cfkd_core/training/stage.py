"""What a network is trained for, and how long: the parts of an experiment's definition."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cfkd_core.errors import InputError
from cfkd_core.losses import LOSSES
from cfkd_core.training.adapters import ADAPTERS

Part = Literal["backbone", "head"]


@dataclass(frozen=True)
class Stage:
    """One run of one optimiser; joint training is a single one.

    Source of the defaults: The original, exactly, section 2.5, the recipe of thesis section 4.1.1.

    Attributes:
        losses: weight of each term, by its name in `LOSSES` or `ADAPTERS`.
        trained: the parts that learn; the others keep their numbers and BatchNorm's statistics.
        average: 0 keeps the last weights. With 1 the average reaches back a tenth of the steps so
            far, however many those are (a power function of the step; Karras et al., Analyzing and
            Improving the Training Dynamics of Diffusion Models, CVPR 2024, section 3.1). At a
            constant rate a short training is then the beginning of a longer one.
    """

    losses: Mapping[str, float]
    trained: tuple[Part, ...] = ("backbone", "head")
    epochs: int = 50
    batches: int = 1000  # an epoch
    lr: float = 1e-2  # Adam's
    schedule: Literal["step", "cosine", "constant"] = "step"
    drop_every: int = 15  # epochs, of the step schedule
    drop: float = 0.1  # and by how much
    warm_up: int = 0  # steps in which the rate rises; not of the step schedule
    weight_decay: float = 0.0
    clip: float = math.inf  # largest norm of the gradient
    average: float = 0.0  # decay of the moving average of the weights that is kept; see below

    def __post_init__(self) -> None:
        unknown = sorted(set(self.losses) - set(LOSSES) - set(ADAPTERS))
        if unknown:
            known = ", ".join([*LOSSES, *ADAPTERS])
            raise InputError(f"loss term {unknown[0]!r}: unknown; choose from {known}")
        if not self.losses or not self.trained:
            raise InputError("a stage needs a loss term and a part that learns")

    @property
    def steps(self) -> int:
        """Updates of the weights, in all."""
        return self.epochs * self.batches

    def rate(self, step: int) -> float:
        """The learning rate of update `step`, counted from 0 in this stage."""
        if self.schedule == "step":
            return self.lr * self.drop ** (step // self.batches // self.drop_every)
        if step < self.warm_up:
            return self.lr * (step + 1) / self.warm_up
        if self.schedule == "constant":
            return self.lr
        done = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        return self.lr * 0.5 * (1 + math.cos(math.pi * done))


def stage_at(stages: tuple[Stage, ...], step: int) -> tuple[int, int] | None:
    """Number of the stage that update `step` of the whole training is in, and the step within it.

    None after the last.
    """
    for number, stage in enumerate(stages):
        if step < stage.steps:
            return number, step
        step -= stage.steps
    return None


def total_steps(stages: tuple[Stage, ...]) -> int:
    """Updates in all stages together."""
    return sum(stage.steps for stage in stages)
