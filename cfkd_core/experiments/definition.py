"""What an experiment is."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.errors import InputError
from cfkd_core.models.atom import Architecture
from cfkd_core.training.stage import Stage

# A batch and a step so small that any experiment takes a few seconds.
_SMOKE_PAIRS: dict[str, Any] = {
    "size": 96,
    "search_scale": 2.5,
    "shift_jitter": 1.0,
    "proposals": 4,
}


@dataclass(frozen=True)
class Mini:
    """What the recipe `mini` puts in place of the thesis's amounts.

    Attributes:
        pairs: of each stage.
        lr: AdamW's, after `warm_up` steps; constant.
        scale_jitter: see `PairOptions`.
        architecture: where the thesis's cannot be had.
    """

    pairs: int = 65_536
    lr: float = 3e-3
    warm_up: int = 200
    scale_jitter: float = 0.25
    architecture: Architecture | None = None


@dataclass(frozen=True)
class Experiment:
    """One row of a table: a network, what teaches it, and how.

    Experiments with the same `teacher`, `batch_size` and `pairs` can be trained in lockstep.

    Attributes:
        name: also that of its weights, and of its tracker.
        reproduces: the place in the thesis, or what it adds to it.
        teacher: name of the experiment whose network teaches; None to learn from boxes alone.
        start: where the backbone comes from; a head is always random.
        stages: one after the other; joint training is a tuple of one.
        tracker: the tracker's options that the network is trained for, one of `PRESETS`.
        mini: how the recipe `mini` trains it; None for what was made for a laptop, and stays as it
            is but for its patches.
    """

    name: str
    reproduces: str
    architecture: Architecture
    stages: tuple[Stage, ...]
    teacher: str | None = None
    start: Literal["random", "imagenet"] = "random"
    batch_size: int = 32
    pairs: PairOptions = field(default_factory=PairOptions)
    tracker: str = "thesis"
    mini: Mini | None = field(default_factory=Mini)
    pool: int = 0  # different pairs, for heads alone; see `PairPool`. 0: no pair comes twice

    @property
    def terms(self) -> set[str]:
        """Names of all loss terms."""
        return {term for stage in self.stages for term in stage.losses}

    @property
    def trains_backbone(self) -> bool:
        """Whether any stage does."""
        return any("backbone" in stage.trained for stage in self.stages)

    def with_stages(self, **changes: Any) -> "Experiment":
        """The same with these fields changed in every stage."""
        return replace(self, stages=tuple(replace(stage, **changes) for stage in self.stages))

    def scaled(self, length: float) -> "Experiment":
        """The same with `length` times as many steps, and as many different pairs.

        Raises:
            InputError: if it is not a positive number.
        """
        if not 0 < length < math.inf:
            raise InputError(f"length {length:g}: a positive number, such as 0.1 for a tenth")
        stages = tuple(
            replace(stage, batches=max(1, round(length * stage.batches))) for stage in self.stages
        )
        pool = max(self.batch_size, round(length * self.pool)) if self.pool else 0
        return replace(self, stages=stages, pool=pool)

    def smoke(self) -> "Experiment":
        """The same, shrunk to seconds: small patches, two epochs of two steps."""
        return replace(
            self.with_stages(epochs=2, batches=2, warm_up=0),
            batch_size=4,
            pairs=replace(self.pairs, **_SMOKE_PAIRS),
            pool=min(self.pool, 8),
        )


def check_lockstep(experiments: list[Experiment]) -> None:
    """Raises `InputError` unless all can share one stream of pairs and one teacher."""
    first = experiments[0]
    for each in experiments[1:]:
        for what in ("teacher", "batch_size", "pairs", "pool"):
            ours, theirs = getattr(first, what), getattr(each, what)
            if ours != theirs:
                raise InputError(
                    f"{first.name} and {each.name} cannot be trained together: {what} is {ours} "
                    f"and {theirs}; train them one after the other"
                )
