"""How much an experiment is trained: as the thesis does, or as a laptop can."""

from collections.abc import Callable
from dataclasses import replace

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.errors import InputError
from cfkd_core.experiments.definition import Experiment, check_lockstep
from cfkd_core.experiments.rows import EXPERIMENTS

# The target keeps its 58 px and loses its surroundings: 160 px at 2.78 targets show what 288 px
# at 5 do, in a third of the time. What is left holds the target only if it wanders less.
MINI_PAIRS = PairOptions(
    size=160,
    search_scale=5 * 160 / 288,
    scale_jitter=0.25,
    shift_jitter=1.5,
    flip=0.5,
    proposals=32,
)

# Checkpoints are this many steps apart, an epoch each.
_EPOCH = 64


def paper(experiment: Experiment) -> Experiment:
    """The thesis's own: 50 epochs of 1000 batches of 32 pairs, at 288 px."""
    return experiment


def mini(experiment: Experiment) -> Experiment:
    """What a processor core does in an hour or two: the same, with fewer and smaller pairs.

    Differs from `paper`: patches of 160 px, mirrored now and then, 32 proposals, and as many pairs
    as `Mini` says, at a constant rate with an average of the weights, so that a shorter training is
    the beginning of a longer one.
    """
    pairs = replace(MINI_PAIRS, target_jitter=experiment.pairs.target_jitter)
    amounts = experiment.mini
    if amounts is None:
        return replace(experiment, pairs=pairs)
    stages = tuple(
        replace(
            stage,
            epochs=round(amounts.pairs / (experiment.batch_size * _EPOCH)),
            batches=_EPOCH,
            lr=amounts.lr,
            schedule="constant",
            warm_up=amounts.warm_up,
            weight_decay=1e-4,
            clip=5.0,
            average=1.0,
        )
        for stage in experiment.stages
    )
    return replace(
        experiment,
        architecture=amounts.architecture or experiment.architecture,
        stages=stages,
        pairs=replace(pairs, scale_jitter=amounts.scale_jitter),
    )


RECIPES: dict[str, Callable[[Experiment], Experiment]] = {"paper": paper, "mini": mini}


def resolve(name: str, recipe: str, *, smoke: bool = False) -> Experiment:
    """The experiment of a name, under one of `RECIPES`.

    Raises:
        InputError: if either is unknown.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"experiment {name!r}: unknown; choose from {', '.join(EXPERIMENTS)}")
    if recipe not in RECIPES:
        raise InputError(f"recipe {recipe!r}: unknown; choose from {', '.join(RECIPES)}")
    experiment = RECIPES[recipe](EXPERIMENTS[name])
    return experiment.smoke() if smoke else experiment


def resolve_together(
    names: list[str], recipe: str, *, smoke: bool = False, length: float = 1.0
) -> list[Experiment]:
    """The experiments of these names, which can be trained in lockstep.

    Args:
        length: how many times the recipe's steps; smoke has its own few.

    Raises:
        InputError: if a name is unknown, the length not positive, or they cannot share pairs and
            teacher.
    """
    if smoke:
        experiments = [resolve(name, recipe, smoke=True) for name in names]
    else:
        experiments = [resolve(name, recipe).scaled(length) for name in names]
    check_lockstep(experiments)
    return experiments
