"""The card that trained weights travel with: how they were made, and what came of it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cfkd_core import __version__, provenance
from cfkd_core.datasets.pairs import Source
from cfkd_core.experiments.definition import Experiment
from cfkd_core.models.backbones import SHIPPED
from cfkd_core.models.tensor_file import sha256
from cfkd_core.training import journal


def describe_weights(
    experiment: Experiment,
    sources: list[Source],
    folder: Path,
    *,
    seed: int,
    files: Mapping[str, Path],
    start: Path | None,
    recipe: str,
    device: torch.device,
) -> dict:
    """What is known of an experiment's weights, as JSON can hold it.

    Args:
        folder: with the student's journal.
        files: ImageNet weights that were given, by backbone.
        start: weights that were given to go on from.
        recipe: its name.
    """
    entries = journal.read(folder)
    stages = [
        {key: list(value) if isinstance(value, tuple) else value for key, value in each.items()}
        for each in map(asdict, experiment.stages)
    ]
    return {
        "name": experiment.name,
        "reproduces": experiment.reproduces,
        "origin": "trained by this project, cfkd_core.experiments",
        "licence": "MIT",
        "recipe": recipe,
        "start": experiment.start if start is None else _named(start),
        "backbone_from": backbone_origin(experiment, files) if start is None else _named(start),
        "teacher": experiment.teacher,
        "tracker": experiment.tracker,
        "stages": [
            {key: value for key, value in stage.items() if value != float("inf")}
            for stage in stages
        ],
        "batch_size": experiment.batch_size,
        "pairs": asdict(experiment.pairs),
        "pool": experiment.pool,
        "data": {source.name: {"weight": source.weight} for source in sources},
        "seed": seed,
        "version": __version__,
        "commit": provenance.commit(),
        "torch": torch.__version__,
        "hardware": f"{provenance.processor()}, {device}, {torch.get_num_threads()} threads",
        "hours": round(sum(entry["seconds"] for entry in entries) / 3600, 2),
        "curves": curves(entries),
        "validation": _validation_of(entries),
    }


def trained_steps(card: Mapping[str, Any]) -> int:
    """Updates of the weights that a card tells of, in all stages."""
    return sum(stage["epochs"] * stage["batches"] for stage in card["stages"])


def backbone_origin(experiment: Experiment, files: Mapping[str, Path]) -> str:
    """Where the backbone's first weights come from, in words."""
    name = experiment.architecture.backbone
    if experiment.start == "random":
        return "random"
    if name in files:
        return _named(files[name])
    if name in SHIPPED:
        return SHIPPED[name].name
    return "torchvision's IMAGENET1K_V1"


def _named(file: Path) -> str:
    return f"{file.name}, SHA-256 {sha256(file)}"


def _validation_of(entries: list[dict[str, float | int]]) -> dict[str, float]:
    last = entries[-1] if entries else {}
    return {key: value for key, value in last.items() if key.startswith("validation_")}


def curves(
    entries: list[dict[str, float | int]], points: int = 50
) -> dict[str, list[float | None]]:
    """Each term over the training, as means of up to `points` equal parts of it.

    None where a term was not asked for.
    """
    if not entries:
        return {}
    left_out = ("step", "seconds")
    names = [
        name
        for name in dict.fromkeys(key for entry in entries for key in entry)
        if name not in left_out and not name.startswith("validation_")
    ]
    parts = np.array_split(np.arange(len(entries)), min(points, len(entries)))
    return {name: [_mean_of(name, [entries[i] for i in part]) for part in parts] for name in names}


def _mean_of(name: str, entries: list[dict[str, float | int]]) -> float | None:
    values = [entry[name] for entry in entries if name in entry]
    return float(f"{np.mean(values):.4g}") if values else None
