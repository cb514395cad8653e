"""The only training loop: several students, stage by stage, on one stream of pairs."""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from cfkd_core.datasets.pair_bank import PairBank
from cfkd_core.datasets.pairs import PairBatch, PairDataset
from cfkd_core.errors import InputError
from cfkd_core.files import locked
from cfkd_core.models.atom import AtomNet
from cfkd_core.training import snapshot
from cfkd_core.training.distill import Distiller
from cfkd_core.training.journal import Journal
from cfkd_core.training.pool import NOTHING, Known, PairPool
from cfkd_core.training.stage import Stage, stage_at, total_steps
from cfkd_core.training.synchronised import synchronise

Stages = Mapping[str, tuple[Stage, ...]]
Stream = PairDataset | PairBank | PairPool
Validation = Callable[[AtomNet], dict[str, float]]
Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class LoopOptions:
    """How the loop runs; what it computes is the stages' and the data's business."""

    batch_size: int = 32  # over all processes together
    workers: int = 0  # processes that read images
    save_every: int = 100  # steps
    validate_every: int = 1000  # steps


class _Shares(Sampler[list[int]]):
    """Indices of this process's pairs of each step from `start` on.

    The pairs of step s are s * batch_size and those that follow it, whoever computes them.
    """

    def __init__(self, start: int, stop: int, batch_size: int, rank: int, processes: int) -> None:
        if batch_size % processes:
            raise InputError(
                f"batch of {batch_size} pairs: cannot be shared by {processes} processes"
            )
        self.steps, self.batch_size = range(start, stop), batch_size
        self.share = batch_size // processes
        self.offset = rank * self.share

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            first = step * self.batch_size + self.offset
            yield list(range(first, first + self.share))


class _Batches(Dataset[tuple[PairBatch, Known]]):
    """Pairs by the batch, from whatever draws them, and what is known of them."""

    def __init__(self, pairs: Stream) -> None:
        self.pairs = pairs

    def __getitem__(self, indices: list[int]) -> tuple[PairBatch, Known]:
        known = self.pairs.known(indices) if isinstance(self.pairs, PairPool) else NOTHING
        return self.pairs.batch(indices), known


def _as_it_is(data: Any) -> Any:
    return data


@dataclass
class _Course:
    """One student on its way.

    Attributes:
        stage: number of the stage that `optimiser` was made for; -1 before the first, when there is
            no optimiser.
        average: the moving average of the weights, where the stage asks for one.
    """

    net: AtomNet
    stages: tuple[Stage, ...]
    stage: int = -1
    optimiser: Optimizer = field(init=False)
    average: AveragedModel | None = None
    parameters: list[nn.Parameter] = field(default_factory=list)

    @property
    def result(self) -> AtomNet:
        """The weights that count."""
        return self.net if self.average is None else cast(AtomNet, self.average.module)


def train(
    distiller: Distiller,
    stages: Stages,
    pairs: Stream,
    folder: Path,
    fabric: Fabric,
    options: LoopOptions,
    validate: Validation | None = None,
) -> dict[str, AtomNet]:
    """Trains every student of `distiller` to the end of its stages, and gives them back.

    `folder` gets a snapshot and, for each student, a folder with its journal. A run that was
    stopped goes on from the snapshot, and ends with the numbers of a run that was not, bit for bit.

    Args:
        stages: of each student; they may differ in length.
        pairs: as many as all steps need.
        fabric: device, precision and processes; launched.
        validate: numbers to be written down every `validate_every` steps and at the end.

    Raises:
        InputError: if the snapshot there belongs to other stages, another run is writing there, or
            a loss is not finite.
    """
    keep_memory()
    nets = distiller.nets
    courses = {name: _Course(nets[name], course) for name, course in stages.items()}
    for name in courses:  # all that ever learns, for what shares gradients between processes
        parts = {part for stage in courses[name].stages for part in stage.trained}
        list(distiller.learn(name, parts))
    distiller.train()
    if fabric.world_size > 1:
        synchronise(distiller.students)
    module = fabric.setup_module(distiller)
    digest = _digest(stages, pairs, options)
    start = _restore(distiller, courses, digest, folder, fabric)
    stop = max(map(total_steps, stages.values()))
    if stop * options.batch_size > len(pairs):
        raise InputError(f"{len(pairs)} pairs: {stop * options.batch_size} are needed")
    batches = iter(_loader(pairs, start, stop, fabric, options))
    with ExitStack() as stack:
        if fabric.is_global_zero:
            stack.enter_context(locked(folder, wait=False))
        journals = {
            name: stack.enter_context(closing(Journal(folder / name, start)))
            for name in (courses if fabric.is_global_zero else ())
        }
        hidden = None if fabric.is_global_zero else True
        bar = stack.enter_context(tqdm(initial=start, total=stop, unit="step", disable=hidden))
        for step in range(start, stop):
            begin = time.perf_counter()
            batch, known = fabric.to_device(next(batches))
            active = _enter_all(distiller, courses, step, fabric)
            records = _step(module, (batch, known), courses, active, fabric)
            for name, record in records.items():
                record["seconds"] = time.perf_counter() - begin
                last = step + 1 == total_steps(stages[name])
                if last or (step + 1) % options.validate_every == 0:
                    record |= _validated(courses[name].result, validate)
                if name in journals:
                    journals[name].write(step, record)
            bar.update()
            bar.set_postfix({name: f"{each['total']:.3g}" for name, each in records.items()})
            if (step + 1) % options.save_every == 0 or step + 1 == stop:
                _save(distiller, courses, digest, step + 1, folder, fabric)
    return {name: course.result.eval() for name, course in courses.items()}


def _enter_all(
    distiller: Distiller, courses: Mapping[str, _Course], step: int, fabric: Fabric
) -> dict[str, Stage]:
    """The stage that each student is in at this step; those that have finished are left out."""
    entered = {name: _enter(distiller, name, each, step, fabric) for name, each in courses.items()}
    return {name: stage for name, stage in entered.items() if stage is not None}


def _loader(
    pairs: Stream, start: int, stop: int, fabric: Fabric, options: LoopOptions
) -> DataLoader:
    shares = _Shares(start, stop, options.batch_size, fabric.global_rank, fabric.world_size)
    return DataLoader(
        _Batches(pairs),
        batch_size=None,
        sampler=shares,
        collate_fn=_as_it_is,  # torch's own makes lists of tuples
        num_workers=options.workers if isinstance(pairs, PairDataset) else 0,
        pin_memory=fabric.device.type == "cuda" and isinstance(pairs, PairDataset),
    )


def _enter(
    distiller: Distiller, name: str, course: _Course, step: int, fabric: Fabric
) -> Stage | None:
    """The stage of this step; at its first, a new optimiser for the parts that learn in it."""
    place = stage_at(course.stages, step)
    if place is None:
        return None
    number, within = place
    stage = course.stages[number]
    if number != course.stage:
        _open(distiller, name, course, number, fabric)
    for group in course.optimiser.param_groups:
        group["lr"] = stage.rate(within)
    return stage


def _open(distiller: Distiller, name: str, course: _Course, number: int, fabric: Fabric) -> None:
    stage = course.stages[number]
    course.stage = number
    course.parameters = list(distiller.learn(name, stage.trained))
    adam = AdamW(course.parameters, lr=stage.lr, weight_decay=stage.weight_decay)
    course.optimiser = cast(Optimizer, fabric.setup_optimizers(adam))
    course.average = None
    if stage.average:
        course.average = AveragedModel(
            course.net, multi_avg_fn=_moving_average(stage.average), use_buffers=True
        )


def _moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """What `AveragedModel` does with each step: move by 9 / (10 + step), then by 1 - `decay`.

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


def _step(
    module: nn.Module,
    data: tuple[PairBatch, Known],
    courses: Mapping[str, _Course],
    active: Mapping[str, Stage],
    fabric: Fabric,
) -> dict[str, dict[str, float]]:
    """One update of every active student; what is to be written down of it."""
    batch, known = data
    found = module(batch, {name: stage.losses for name, stage in active.items()}, known)
    fabric.backward(torch.stack([terms["total"] for terms in found.values()]).sum())
    records = {}
    for name, stage in active.items():
        course = courses[name]
        norm = nn.utils.clip_grad_norm_(course.parameters, stage.clip)
        records[name] = _record(name, found[name], norm, course.optimiser)
        course.optimiser.step()
        course.optimiser.zero_grad()
        if course.average is not None:
            course.average.update_parameters(course.net)
    return records


def _record(
    name: str, terms: Mapping[str, Tensor], norm: Tensor, optimiser: Optimizer
) -> dict[str, float]:
    values = {term: float(value.detach()) for term, value in terms.items()}
    if not torch.isfinite(torch.tensor([*values.values(), float(norm)])).all():
        shown = ", ".join(f"{term} {value:g}" for term, value in values.items())
        raise InputError(f"{name}: the loss is not finite ({shown}); lower its learning rate")
    return values | {"gradient": float(norm), "lr": optimiser.param_groups[0]["lr"]}


def _validated(net: AtomNet, validate: Validation | None) -> dict[str, float]:
    if validate is None:
        return {}
    training = {module: module.training for module in net.modules()}
    with torch.no_grad():
        found = validate(net.eval())
    for module, mode in training.items():
        module.training = mode
    return {f"validation_{name}": value for name, value in found.items()}


def _digest(stages: Stages, pairs: Stream, options: LoopOptions) -> str:
    """What a snapshot must agree with to be gone on from."""
    course = {name: [asdict(stage) for stage in each] for name, each in stages.items()}
    return repr((course, pairs.seed, asdict(pairs.options), options.batch_size))


def _save(
    distiller: Distiller,
    courses: Mapping[str, _Course],
    digest: str,
    step: int,
    folder: Path,
    fabric: Fabric,
) -> None:
    if fabric.is_global_zero:
        snapshot.write(folder, _state(distiller, courses, digest, step))
    fabric.barrier()


def _state(
    distiller: Distiller, courses: Mapping[str, _Course], digest: str, step: int
) -> dict[str, Any]:
    return {
        "step": step,
        "digest": digest,
        "students": distiller.students.state_dict(),
        "adapters": distiller.adapters.state_dict(),
        "random": torch.get_rng_state(),
        "courses": {
            name: {
                "stage": course.stage,
                "optimiser": course.optimiser.state_dict(),
                "average": None if course.average is None else course.average.state_dict(),
            }
            for name, course in courses.items()
        },
    }


def _restore(
    distiller: Distiller,
    courses: Mapping[str, _Course],
    digest: str,
    folder: Path,
    fabric: Fabric,
) -> int:
    """Puts the last snapshot back, if there is one; the step to go on with."""
    state = snapshot.read(folder)
    if state is None:
        return 0
    if state["digest"] != digest:
        raise InputError(
            f"{folder / snapshot.FILE}: of another training; name another --out, or delete it"
        )
    distiller.students.load_state_dict(state["students"])
    distiller.adapters.load_state_dict(state["adapters"])
    torch.set_rng_state(state["random"])
    for name, saved in state["courses"].items():
        _open(distiller, name, courses[name], saved["stage"], fabric)
        course = courses[name]
        course.optimiser.load_state_dict(saved["optimiser"])
        if course.average is not None:
            course.average.load_state_dict(saved["average"])
    return state["step"]


def keep_memory() -> None:
    """Tells glibc to reuse large blocks; does nothing where there is no glibc.

    It gives each map of features back to the system and asks for it anew, and the kernel then
    clears every page: a third of a student's step on a CPU (16.8 against 10.6 ms an image).
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        trim_threshold, mmap_max = -1, -4
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, 2**31 - 1)
