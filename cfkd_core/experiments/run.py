"""From names to weights: what the train command does."""

import copy
import hashlib
import logging
import tempfile
import time
import warnings
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from cfkd_core import paths
from cfkd_core.benchmarks.judgement import judge, probe
from cfkd_core.benchmarks.results import LAYOUTS, fingerprint
from cfkd_core.datasets.pair_bank import PairBank
from cfkd_core.datasets.pairs import PairBatch, PairDataset, Source, visible_frames
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.experiments.card import describe_weights
from cfkd_core.experiments.definition import Experiment
from cfkd_core.files import is_file
from cfkd_core.models import weights
from cfkd_core.models.atom import AtomNet, build
from cfkd_core.models.backbones import BACKBONES, Backbone, imagenet_backbone
from cfkd_core.tracking.refine import RefineOptions
from cfkd_core.training import snapshot
from cfkd_core.training.distill import Distiller
from cfkd_core.training.loop import LoopOptions, Stream, Validation, train
from cfkd_core.training.pool import PairPool
from cfkd_core.training.stage import total_steps

# One sequence in so many is kept from training, to validate on.
HELD_OUT = 10
VALIDATION_PAIRS = 128
PROBES, PROBE_FRAMES = 4, 30


@dataclass(frozen=True)
class RunOptions:
    """What is not part of an experiment's definition."""

    seed: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)  # backbone -> ImageNet weights
    start: Path | None = None  # weights to go on from, else where the experiment starts
    teacher: Path | None = None  # its weights, else those that ship
    workers: int = 0  # processes that read images
    save_every: int = 100  # steps
    validate_every: int = 1000  # steps
    in_memory: bool = False  # all images, on the device, and patches cut there


def run(
    experiments: list[Experiment],
    sources: list[Source],
    folder: Path,
    fabric: Fabric,
    options: RunOptions,
    recipe: str,
) -> list[Path]:
    """Train the experiments in lockstep and write weights with cards to `folder`.

    Of each student the last weights, `NAME.safetensors`, and in its own folder those after 4,096
    pairs and each time that they have doubled, `NAME/PAIRS.safetensors`.

    Args:
        experiments: such as `resolve_together` gives.
        fabric: device, precision and processes; launched.
        recipe: its name, for the cards.

    Returns:
        The files of weights, in the experiments' order; none if the run there has ended before.

    Raises:
        InputError: if a source has no sequence to use, weights to start from are missing, or the
            run in `folder` is another one.
    """
    begin = time.monotonic()  # the clock on the wall may be set back meanwhile
    files = {each.name: folder / f"{each.name}.safetensors" for each in experiments}
    learnt, held_out = split(sources)
    distiller = build_distiller(experiments, options)
    stream = _stream(experiments, learnt, distiller, fabric, options)

    def save(path: Path, net: AtomNet, **more: object) -> None:
        name = path.stem if path in files.values() else path.parent.name
        card = describe_weights(
            next(each for each in experiments if each.name == name),
            sources,
            folder / name,
            seed=options.seed,
            files=options.files,
            start=options.start,
            recipe=recipe,
            device=fabric.device,
        )
        weights.save(net.cpu(), path, card | more)

    state = snapshot.read(folder)
    ended = state is not None and state["step"] * experiments[0].batch_size == len(stream)
    nets = train(
        distiller,
        {each.name: each.stages for each in experiments},
        stream,
        folder,
        fabric,
        LoopOptions(
            experiments[0].batch_size, options.workers, options.save_every, options.validate_every
        ),
        validate=validation(held_out, experiments, fabric.device),
        checkpoint=lambda name, seen, net: save(
            folder / name / f"{seen:07d}.safetensors", copy.deepcopy(net), pairs_seen=seen
        ),
        origin={"data": data_fingerprint(sources)},
    )
    if ended and all(path.is_file() for path in files.values()):
        return []
    for name, path in files.items() if fabric.is_global_zero else ():
        hours = round((time.monotonic() - begin) / 3600, 2)
        save(path, nets[name], hours_of_the_last_run=hours)
    return list(files.values()) if fabric.is_global_zero else []


def profile(
    experiments: list[Experiment],
    sources: list[Source],
    fabric: Fabric,
    options: RunOptions,
    steps: int = 10,
) -> dict[str, float]:
    """Train for a few steps, and return the seconds a pair that each part of a step takes.

    Two steps before them are not counted: the first of a process makes its kernels.
    """
    learnt, _ = split(sources)
    distiller = build_distiller(experiments, options)
    stages = {each.name: each.with_stages(epochs=1).stages[:1] for each in experiments}
    for count in (2, steps):
        short = {name: (replace(stage, batches=count),) for name, (stage,) in stages.items()}
        size = experiments[0].batch_size
        stream = _stream(experiments, learnt, distiller, fabric, options)
        distiller.timer.start()
        with tempfile.TemporaryDirectory() as folder:
            loop = LoopOptions(size, options.workers, save_every=count, validate_every=count)
            train(distiller, short, stream, Path(folder), fabric, loop)
    return {part: seconds / (steps * size) for part, seconds in distiller.timer.seconds.items()}


def _stream(
    experiments: list[Experiment],
    learnt: list[Source],
    distiller: Distiller,
    fabric: Fabric,
    options: RunOptions,
) -> Stream:
    """The pairs of all steps."""
    pairs, pool = experiments[0].pairs, experiments[0].pool
    length = experiments[0].batch_size * max(total_steps(each.stages) for each in experiments)
    stream: Stream
    if options.in_memory:
        stream = PairBank(learnt, length, options.seed, pairs, fabric.device)
    else:
        stream = PairDataset(learnt, length, options.seed, pairs)
    if not pool:
        return stream
    distiller.to(fabric.device).eval()
    with fabric.autocast():
        return PairPool(stream, pool, distiller.nets, distiller.teacher, fabric.device)


def data_fingerprint(sources: list[Source]) -> str:
    """What a training depends on in its data: names, weights, boxes, and first and last images."""
    layout = replace(LAYOUTS["ope"], told=lambda sequence: sequence.boxes)
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.name} {source.weight}".encode())
        for sequence in source.sequences:
            digest.update(f"{sequence.name} {fingerprint(sequence, layout)}".encode())
    return digest.hexdigest()


def launch(accelerator: str, devices: int, nodes: int, precision: str) -> Fabric:
    """Fabric on these devices, its processes started.

    Args:
        precision: of the networks; "auto" is bfloat16 where the hardware multiplies in it.
    """
    with_gpu = accelerator != "cpu" and torch.cuda.is_available()
    if precision == "auto":
        native = torch.cuda.is_bf16_supported() if with_gpu else _cpu_has_bfloat16()
        precision = "bf16-mixed" if native else "32-true"
    several = devices * nodes > 1
    # a stage may leave a part of a student out
    strategy = DDPStrategy(find_unused_parameters=True) if several else "auto"
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Fabric's own advice on hardware it does not use
        warnings.simplefilter("ignore")
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            precision=precision,  # type: ignore[arg-type]  # Fabric says which there are
            strategy=strategy,
        )
        fabric.launch()
    return fabric


def _cpu_has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware: emulated, it is slower than float."""
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def parse_backbones(specs: Iterable[str]) -> dict[str, Path]:
    """Files of ImageNet weights by backbone, from NAME=FILE.

    Raises:
        InputError: if a spec is not of this form, or the file is missing.
    """
    files = {}
    for spec in specs:
        name, _, file = spec.partition("=")
        if name not in BACKBONES or not is_file(Path(file)):
            raise InputError(
                f"backbone {spec!r}: expected NAME=FILE, NAME one of {', '.join(BACKBONES)} and "
                "FILE its weights"
            )
        files[name] = Path(file)
    return files


def describe(experiment: Experiment) -> str:
    """The whole definition, for people: what `--dry-run` prints."""
    parameters = sum(p.numel() for p in build(experiment.architecture).parameters())
    steps = total_steps(experiment.stages)
    return "\n".join(
        [
            f"{experiment.name}: {experiment.reproduces}",
            f"  network   {experiment.architecture}, {parameters:,} parameters",
            f"  teacher   {experiment.teacher or 'none: it learns from boxes'}",
            f"  start     {experiment.start}",
            *(f"  stage {i}   {stage}" for i, stage in enumerate(experiment.stages, 1)),
            f"  pairs     {experiment.pairs}",
            f"  in all    {steps:,} steps of {experiment.batch_size} pairs",
        ]
    )


def split(sources: Iterable[Source]) -> tuple[list[Source], list[Source]]:
    """What is trained on, and what is kept from it: one sequence in ten, chosen by its name."""
    learnt, held_out = [], []
    for source in sources:
        sequences = list(source.sequences)
        kept_back = [each for each in sequences if _is_held_out(each)]
        if len(kept_back) == len(sequences):
            kept_back = []  # nothing would be left to learn from
        names = {each.name for each in kept_back}
        learnt.append(
            replace(source, sequences=[each for each in sequences if each.name not in names])
        )
        if kept_back:
            held_out.append(replace(source, sequences=kept_back))
    return learnt, held_out


def _is_held_out(sequence: Sequence) -> bool:
    return zlib.crc32(sequence.name.encode()) % HELD_OUT == 0


def validation(
    held_out: list[Source], experiments: list[Experiment], device: torch.device
) -> Validation | None:
    """Judges a network on sequences that nothing was trained on; None without any.

    On pairs of all of them, and by tracking the beginning of the first few that are videos.
    """
    if not held_out:
        return None
    presets = {each.name: each.tracker for each in experiments}
    options = replace(experiments[0].pairs, grey=0, brightness=0)
    dataset = PairDataset(held_out, VALIDATION_PAIRS, 0, options)
    batches = [
        PairBatch(*(each.to(device) for each in dataset.batch(list(range(start, start + 16)))))
        for start in range(0, len(dataset), 16)
    ]
    videos = [each for source in held_out for each in source.sequences if _can_be_probed(each)]

    def validate(name: str, net: AtomNet) -> dict[str, float]:
        found = judge(net, batches, RefineOptions())
        if videos:
            found |= probe(net, videos[:PROBES], PROBE_FRAMES, presets[name])
        return found

    return validate


def _can_be_probed(sequence: Sequence) -> bool:
    """A video that begins with the target in sight, and goes on."""
    return len(sequence) > 1 and visible_frames(sequence)[0] and visible_frames(sequence).sum() > 1


def build_distiller(experiments: list[Experiment], options: RunOptions) -> Distiller:
    """The students, each from the run's seed, and their teacher.

    Students of one architecture so start from the same weights. Backbones that stay as they are
    and start the same are one object, which runs once for all.
    """
    shared: dict[str, Backbone] = {}
    students = {}
    for each in experiments:
        torch.manual_seed(options.seed)
        net = build(each.architecture)
        if each.start == "imagenet":
            name = each.architecture.backbone
            if each.trains_backbone or name not in shared:
                shared[name] = imagenet_backbone(name, options.files.get(name))
            net.backbone = shared[name]
        if options.start is not None:
            _go_on_from(options.start, net)
        students[each.name] = net
    terms = {each.name: each.terms for each in experiments}
    return Distiller(students, _teacher(experiments[0], options), terms)


def _go_on_from(file: Path, net: AtomNet) -> None:
    """Copies the weights of a file into a network that is to be tuned.

    Students that share a backbone all go on from the same file, so it gets the same each time.
    """
    given = weights.load_any(file)
    if given.architecture != net.architecture:
        raise InputError(
            f"{file}: a network of {given.architecture}, and the experiment's is "
            f"{net.architecture}; choose an experiment of the same, or another file"
        )
    net.load_state_dict(given.state_dict())


def _teacher(experiment: Experiment, options: RunOptions) -> AtomNet | None:
    if experiment.teacher is None:
        return None
    file = options.teacher or paths.WEIGHTS / f"{experiment.teacher}.safetensors"
    if not file.is_file():
        raise InputError(
            f"{file}: no weights of the teacher {experiment.teacher}; train it first, and name "
            "its file by --teacher"
        )
    return weights.load(file)
