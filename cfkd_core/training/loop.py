"""The only training loop: several students, stage by stage, on one stream of pairs."""

import ctypes
import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from cfkd_core.datasets.pair_bank import PairBank
from cfkd_core.datasets.pairs import PairBatch, PairDataset
from cfkd_core.datasets.worker_errors import worker_errors
from cfkd_core.errors import InputError
from cfkd_core.files import locked
from cfkd_core.models.atom import AtomNet
from cfkd_core.training import snapshot
from cfkd_core.training.depthwise import float32_gradients
from cfkd_core.training.distill import Distiller
from cfkd_core.training.journal import Journal
from cfkd_core.training.pool import NOTHING, Known, PairPool
from cfkd_core.training.stage import Stage, total_steps
from cfkd_core.training.student_state import StudentState
from cfkd_core.training.synchronised import synchronise
from cfkd_core.training.timer import StepTimer

Stages = Mapping[str, tuple[Stage, ...]]
Stream = PairDataset | PairBank | PairPool
Validation = Callable[[str, AtomNet], dict[str, float]]
Checkpoint = Callable[[str, int, AtomNet], None]

FIRST_CHECKPOINT = 4096
"""Pairs after which the first checkpoint is written."""

RECALIBRATION = 16
"""Batches that BatchNorm's statistics of averaged weights are measured on."""


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


def train(
    distiller: Distiller,
    stages: Stages,
    pairs: Stream,
    folder: Path,
    fabric: Fabric,
    options: LoopOptions,
    *,
    validate: Validation | None = None,
    checkpoint: Checkpoint | None = None,
    origin: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, AtomNet]:
    """Train every student of `distiller` to the end of its stages, and return them.

    `folder` gets a snapshot and, for each student, a folder with its journal. A run that was
    stopped goes on from the snapshot, and ends with the numbers of a run that was not, bit for bit.

    Args:
        stages: of each student; they may differ in length.
        pairs: as many as all steps need.
        fabric: device, precision and processes; launched.
        validate: (name, network) -> numbers to be written down, at each checkpoint, every
            `validate_every` steps and at the end.
        checkpoint: called with a student's name, the pairs that it has seen and its weights, after
            4,096 pairs and each time that they have doubled.
        origin: what else decides the result, such as the data; a snapshot must agree with it.

    Raises:
        InputError: if the snapshot there belongs to another training, another run is writing there,
            or a loss is not finite.
    """
    keep_memory()
    nets = distiller.nets
    states = {name: StudentState(name, nets[name], course) for name, course in stages.items()}
    for name, course in stages.items():  # all that ever learns, for what shares gradients
        list(distiller.learn(name, {part for stage in course for part in stage.trained}))
    distiller.train()
    if fabric.world_size > 1:
        synchronise(distiller.students)
    digest = _digest(distiller, stages, pairs, options) | dict(origin)
    module = fabric.setup_module(distiller)
    start = _restore(distiller, states, digest, folder, fabric)
    stop = max(map(total_steps, stages.values()))
    if stop * options.batch_size > len(pairs):
        raise InputError(f"{len(pairs)} pairs: {stop * options.batch_size} are needed")
    batches = iter(_loader(pairs, start, stop, fabric, options))
    with ExitStack() as stack:
        if fabric.is_global_zero:
            stack.enter_context(locked(folder, wait=False))
        journals = {
            name: stack.enter_context(closing(Journal(folder / name, start)))
            for name in (states if fabric.is_global_zero else ())
        }
        hidden = None if fabric.is_global_zero else True
        bar = stack.enter_context(tqdm(initial=start, total=stop, unit="step", disable=hidden))
        for step in range(start, stop):
            begin = time.perf_counter()
            with distiller.timer("data"), worker_errors():
                batch, known = fabric.to_device(next(batches))
            active = _enter_all(distiller, states, step, fabric)
            with float32_gradients(distiller.students):
                records = _step(module, (batch, known), states, active, fabric, distiller.timer)
            for name, record in records.items():
                record["seconds"] = time.perf_counter() - begin
                last = step + 1 == total_steps(stages[name])
                doubled = _has_doubled(step, options.batch_size)
                if last or doubled:
                    states[name].recalibrate(_recent(pairs, step, fabric, options), fabric)
                if last or doubled or (step + 1) % options.validate_every == 0:
                    record |= _validated(name, states[name].result, validate)
                if doubled and checkpoint is not None and name in journals:
                    checkpoint(name, (step + 1) * options.batch_size, states[name].result)
                if name in journals:
                    journals[name].write(step, record)
            bar.update()
            bar.set_postfix({name: f"{each['total']:.3g}" for name, each in records.items()})
            if (step + 1) % options.save_every == 0 or step + 1 == stop:
                _save(distiller, states, digest, step + 1, folder, fabric)
    return {name: state.result.eval() for name, state in states.items()}


def _has_doubled(step: int, batch_size: int) -> bool:
    """Whether update `step` takes the pairs seen to 4,096 times a power of two, or past it."""
    before, after = (
        step * batch_size // FIRST_CHECKPOINT,
        (step + 1) * batch_size // FIRST_CHECKPOINT,
    )
    return after > 0 and before.bit_length() < after.bit_length()


def _recent(pairs: Stream, step: int, fabric: Fabric, options: LoopOptions) -> Iterator[PairBatch]:
    """This process's pairs of the last steps; none from a stream that has features, not images."""
    if isinstance(pairs, PairPool):
        return
    for indices in _shares(max(0, step + 1 - RECALIBRATION), step + 1, fabric, options):
        yield PairBatch(*(each.to(fabric.device) for each in pairs.batch(indices)))


def _shares(start: int, stop: int, fabric: Fabric, options: LoopOptions) -> _Shares:
    return _Shares(start, stop, options.batch_size, fabric.global_rank, fabric.world_size)


def _enter_all(
    distiller: Distiller, states: Mapping[str, StudentState], step: int, fabric: Fabric
) -> dict[str, Stage]:
    """The stage that each student is in at this step; those that have finished are left out."""
    entered = {name: state.enter(step, distiller, fabric) for name, state in states.items()}
    return {name: stage for name, stage in entered.items() if stage is not None}


def _loader(
    pairs: Stream, start: int, stop: int, fabric: Fabric, options: LoopOptions
) -> DataLoader:
    shares = _shares(start, stop, fabric, options)
    return DataLoader(
        _Batches(pairs),
        batch_size=None,
        sampler=shares,
        collate_fn=_as_it_is,  # torch's own makes lists of tuples
        num_workers=options.workers if isinstance(pairs, PairDataset) else 0,
        pin_memory=fabric.device.type == "cuda" and isinstance(pairs, PairDataset),
    )


def _step(
    module: nn.Module,
    data: tuple[PairBatch, Known],
    states: Mapping[str, StudentState],
    active: Mapping[str, Stage],
    fabric: Fabric,
    timer: StepTimer,
) -> dict[str, dict[str, float]]:
    """Update every active student once; what is to be written down of it."""
    batch, known = data
    found = module(batch, {name: stage.losses for name, stage in active.items()}, known)
    with timer("backward"):
        fabric.backward(torch.stack([terms["total"] for terms in found.values()]).sum())
    records = {}
    for name, stage in active.items():
        with timer("optimiser"):
            norm = states[name].update(stage.clip)
        records[name] = _record(name, found[name], norm, states[name].optimiser)
    return records


def _record(
    name: str, terms: Mapping[str, Tensor], norm: Tensor, optimiser: Optimizer
) -> dict[str, float]:
    values = {term: float(value.detach()) for term, value in terms.items()}
    if not torch.isfinite(torch.tensor([*values.values(), float(norm)])).all():
        shown = ", ".join(f"{term} {value:g}" for term, value in values.items())
        raise InputError(f"{name}: the loss is not finite ({shown}); lower its learning rate")
    return values | {"gradient": float(norm), "lr": optimiser.param_groups[0]["lr"]}


def _validated(name: str, net: AtomNet, validate: Validation | None) -> dict[str, float]:
    if validate is None:
        return {}
    training = {module: module.training for module in net.modules()}
    with torch.no_grad():
        found = validate(name, net.eval())
    for module, mode in training.items():
        module.training = mode
    return {f"validation_{name}": value for name, value in found.items()}


def _digest(
    distiller: Distiller, stages: Stages, pairs: Stream, options: LoopOptions
) -> dict[str, object]:
    """What a snapshot must agree with to be gone on from."""
    networks = hashlib.sha256()
    for name, tensor in distiller.state_dict().items():
        networks.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return {
        "stages": repr({name: [_identity(each, s) for s in each] for name, each in stages.items()}),
        "pairs": repr(asdict(pairs.options)),
        "seed": pairs.seed,
        "batch size": options.batch_size,
        "first weights": networks.hexdigest(),
    }


def _identity(stages: tuple[Stage, ...], stage: Stage) -> dict[str, object]:
    """What decides the weights after a step of a stage: its length does not, at a constant rate."""
    identity = asdict(stage)
    if stage.schedule == "constant" and stage is stages[-1]:
        del identity["epochs"], identity["batches"]
    return identity


def _save(
    distiller: Distiller,
    states: Mapping[str, StudentState],
    digest: Mapping[str, object],
    step: int,
    folder: Path,
    fabric: Fabric,
) -> None:
    if fabric.is_global_zero:
        state = {
            "step": step,
            "digest": dict(digest),
            "students": distiller.students.state_dict(),
            "adapters": distiller.adapters.state_dict(),
            "random": torch.get_rng_state(),
            "courses": {name: state.state_dict() for name, state in states.items()},
        }
        snapshot.write(folder, state)
    fabric.barrier()


def _restore(
    distiller: Distiller,
    states: Mapping[str, StudentState],
    digest: Mapping[str, object],
    folder: Path,
    fabric: Fabric,
) -> int:
    """Load the last snapshot, if there is one; the step to go on with."""
    state = snapshot.read(folder)
    if state is None:
        return 0
    earlier = state["digest"] if isinstance(state["digest"], dict) else {}
    changed = [key for key in digest if earlier.get(key) != digest[key]]
    if changed:
        raise InputError(
            f"{folder / snapshot.FILE}: of another training ({', '.join(changed)} changed); "
            "name another --out, or delete it"
        )
    distiller.students.load_state_dict(state["students"])
    distiller.adapters.load_state_dict(state["adapters"])
    torch.set_rng_state(state["random"])
    for name, saved in state["courses"].items():
        states[name].load_state_dict(saved, distiller, fabric)
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
