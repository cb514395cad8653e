"""How much an experiment is trained: as the thesis does, or as a laptop can."""

from collections.abc import Callable
from dataclasses import replace

from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.errors import InputError
from cfkd_core.experiments.definition import Experiment, check_lockstep
from cfkd_core.experiments.rows import EXPERIMENTS, MINI_DRNET

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

# Steps an epoch, and pairs a step: heads alone are cheap, and take more of both. What has a pool of
# pairs was made for a laptop, and keeps its own number of steps.
_HEAD_STEPS, _OTHER_STEPS = 30, 9
_HEAD_PAIRS, _OTHER_PAIRS = 16, 8


def paper(experiment: Experiment) -> Experiment:
    """The thesis's own: 50 epochs of 1000 batches of 32 pairs, at 288 px."""
    return experiment


def mini(experiment: Experiment) -> Experiment:
    """What a processor core does in an hour or two: the same, in far fewer and smaller steps.

    Differs from `paper`: patches of 160 px, mirrored now and then, 32 proposals, batches of 16
    or 8, a hundredth of the steps or fewer. Where backbones learn, the rate falls like a cosine:
    by steps, two thirds of so few would be lost to small rates. MobileNetV2 starts from ImageNet,
    at a tenth of the learning rate, unless the row is about random weights; DRNet's teacher has
    ATOM's backbone.
    """
    pretrained = experiment.start == "imagenet" or (
        experiment.architecture.backbone == "mobilenet_v2" and experiment.name != "cfkd_random"
    )
    steps = _OTHER_STEPS if experiment.trains_backbone else _HEAD_STEPS
    stages = tuple(
        replace(
            stage,
            batches=stage.batches if experiment.pool else steps,
            lr=1e-3 if pretrained and stage.schedule == "step" else stage.lr,
            schedule="cosine" if experiment.trains_backbone else stage.schedule,
        )
        for stage in experiment.stages
    )
    return replace(
        experiment,
        architecture=MINI_DRNET if experiment.name == "drnet" else experiment.architecture,
        start="imagenet" if pretrained else "random",
        stages=stages,
        batch_size=_OTHER_PAIRS if experiment.trains_backbone else _HEAD_PAIRS,
        pairs=replace(MINI_PAIRS, target_jitter=experiment.pairs.target_jitter),
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
