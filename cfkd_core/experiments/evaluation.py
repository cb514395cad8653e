"""Checkpoints to numbers: `data/results/training/ROW_seedN.json`, and the boxes beside it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int16

from cfkd_core import __version__, files, provenance
from cfkd_core.benchmarks.judgement import judge
from cfkd_core.benchmarks.protocols import PROTOCOLS
from cfkd_core.datasets.pairs import PairBatch
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.experiments.measures import (
    answer,
    backbone_gradients,
    cell_features,
    effective_rank,
    gradient_shares,
    linear_cka,
    mean_term,
)
from cfkd_core.models import weights
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import Backbone
from cfkd_core.models.tensor_file import sha256
from cfkd_core.tracking.load import tracker_for
from cfkd_core.tracking.refine import RefineOptions
from cfkd_core.tracking.tracker import track

SCHEMA = 1

STEPS_A_PX = 16
"""Boxes are kept in sixteenths of a px, and scored as they are kept."""

MODES = ("head", "classifier")
"""With the head under the thesis's options, and the classifier alone on the same features."""


@dataclass(frozen=True)
class Bench:
    """What checkpoints are measured with.

    Attributes:
        sequences: by the name of their benchmark.
        pairs: batches that nothing was trained on.
        teacher: of the rows that have one.
        start: the backbone that features are compared with, besides the teacher's.
        seeds: of the tracker.
    """

    sequences: Mapping[str, list[Sequence]]
    pairs: list[PairBatch]
    teacher: AtomNet
    start: Backbone
    seeds: tuple[int, ...] = (0, 1, 2)


def evaluate_run(folder: Path, bench: Bench, output: Path) -> Path:
    """Measure each checkpoint of one student that has not been measured yet.

    Args:
        folder: the student's, as `train` leaves it: `PAIRS.safetensors` with cards.
        output: folder for `ROW_seedN.json` and `ROW_seedN.npz`.

    Returns:
        The JSON file, written anew after each checkpoint.

    Raises:
        InputError: if there is no checkpoint, or what was measured is of another training.
    """
    checkpoints = sorted(folder.glob("[0-9]*.safetensors"))
    if not checkpoints:
        raise InputError(f"{folder}: no checkpoints; name a student's folder in train's --out")
    card = json.loads(checkpoints[0].with_suffix(".json").read_text(encoding="utf-8"))
    stem = f"{card['name']}_seed{card['seed']}"
    path, boxes_path = output / f"{stem}.json", output / f"{stem}.npz"
    content = _started(path, card)
    boxes = dict(np.load(boxes_path)) if boxes_path.is_file() else {}
    measured = {each["sha256"] for each in content["checkpoints"]}
    for file in checkpoints:
        if sha256(file) in measured:
            continue
        found, tracked = evaluate(weights.load(file), card["stages"][-1]["losses"], bench)
        seen = int(file.stem)
        boxes |= {f"{seen}/{key}": value for key, value in tracked.items()}
        content["checkpoints"].append({"pairs": seen, "sha256": sha256(file)} | found)
        with files.beside(boxes_path) as place, place.open("wb") as stream:
            np.savez_compressed(stream, **boxes)
        files.write_text(path, json.dumps(content, indent=1) + "\n")
    return path


def _started(path: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """What has been measured of a training so far."""
    left_out = ("curves", "validation", "hours", "pairs_seen", "sha256", "size_bytes")
    training = {key: value for key, value in card.items() if key not in left_out}
    if not path.is_file():
        return {
            "schema": SCHEMA,
            "experiment": card["name"],
            "training_seed": card["seed"],
            "training": training,
            "measured_by": {
                "version": __version__,
                "commit": provenance.commit(),
                "torch": torch.__version__,
                "hardware": provenance.processor(),
            },
            "checkpoints": [],
        }
    content = files.read_json(path, "delete it and measure again")
    if content["training"] != training:
        raise InputError(f"{path}: of another training; delete it and measure again")
    return content


def evaluate(
    net: AtomNet, losses: Mapping[str, float], bench: Bench
) -> tuple[dict[str, Any], dict[str, Int16[np.ndarray, "t 4"]]]:
    """Measure one network.

    Returns:
        What a checkpoint's entry holds, and the boxes, by `BENCHMARK/MODE/SEED/SEQUENCE`.
    """
    ours = cell_features(net.backbone, bench.pairs)
    references = {"teacher": bench.teacher.backbone, "start": bench.start}
    theirs = {name: cell_features(each, bench.pairs) for name, each in references.items()}
    few = PairBatch(*(each[:4] for each in bench.pairs[0]))
    with torch.no_grad():
        taught = answer(bench.teacher, few)
    norms = backbone_gradients(net, taught, few, losses)
    found: dict[str, Any] = {
        **judge(net, bench.pairs, RefineOptions()),
        "correlation_filter": mean_term("correlation_filter", net, bench.pairs),
        "effective_rank": {name: effective_rank(maps) for name, maps in ours.items()},
        "cka": {
            reference: {name: linear_cka(ours[name], maps[name]) for name in ours}
            for reference, maps in theirs.items()
        },
        "gradient_share": gradient_shares(norms, losses),
        "tracking": {},
    }
    boxes = {}
    for mode in MODES:
        tracked = net if mode == "head" else AtomNet(net.backbone, None)
        for seed in bench.seeds:
            tracker = tracker_for(tracked, "student", seed=seed)
            for benchmark, sequences in bench.sequences.items():
                for sequence in sequences:
                    trajectory = track(tracker, sequence.frames, sequence.boxes[0])
                    boxes[f"{benchmark}/{mode}/{seed}/{sequence.name}"] = _packed(trajectory.boxes)
    found["tracking"] = score(boxes, bench.sequences)
    return found, boxes


def _packed(boxes: Float[np.ndarray, "t 4"]) -> Int16[np.ndarray, "t 4"]:
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(boxes * STEPS_A_PX), limits.min, limits.max).astype(np.int16)


def score(
    boxes: Mapping[str, Int16[np.ndarray, "t 4"]], sequences: Mapping[str, Iterable[Sequence]]
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Scores of boxes as they are kept, by OTB's protocol.

    Args:
        boxes: by `BENCHMARK/MODE/SEED/SEQUENCE`; those of other benchmarks are left out.

    Returns:
        benchmark -> mode -> seed -> success_auc and precision_at_20, means over the sequences.
    """
    protocol = PROTOCOLS["otb"]
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for benchmark, every in sequences.items():
        by_name = {sequence.name: sequence for sequence in every}
        parts = [key.split("/") for key in boxes]
        runs = sorted({(part[1], part[2]) for part in parts if part[0] == benchmark})
        for mode, seed in runs:
            curves = [
                protocol.curves(
                    boxes[f"{benchmark}/{mode}/{seed}/{name}"] / STEPS_A_PX,
                    sequence.boxes,
                    sequence.visible,
                )
                for name, sequence in by_name.items()
            ]
            mean = {name: np.mean([each[name] for each in curves], axis=0) for name in curves[0]}
            scores = protocol.scores(mean)
            found.setdefault(benchmark, {}).setdefault(mode, {})[seed] = scores
    return found
