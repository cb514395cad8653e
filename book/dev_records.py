"""Tracks the videos that nothing was trained on with what ships, and records the scores.

python book/dev_records.py VIDEOS TRACKER:SEED TRACKER:int8:SEED ...

VIDEOS holds `otb-dev` and `uav-dev`, in OTB's layout. A run takes one to ten minutes of a core;
what is recorded already is left as it is. The means go into the cards of the weights, too. With
int8 the network runs in whole numbers, and the record is that of `TRACKER_int8`.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from cfkd_core import paths
from cfkd_core.benchmarks import ope, records, report
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.files import write_text
from cfkd_core.models import tensor_file
from cfkd_core.tracking.load import load_tracker
from cfkd_core.tracking.runtime import RuntimeName

VIDEOS = {records.OTB: "otb-dev", records.UAV: "uav-dev"}


def record(
    videos: Path,
    tracker: str,
    seed: int,
    runtime: RuntimeName = "auto",
    folder: Path = records.FOLDER,
) -> None:
    """Follows the targets of all videos, and writes a report for each of the two benchmarks."""
    recorded = f"{tracker}_int8" if runtime == "int8" else tracker
    for benchmark, name in VIDEOS.items():
        path = folder / benchmark / f"{recorded}_seed{seed}.json"
        if path.is_file():
            continue
        sequences = load_benchmark("otb", videos / name)
        contender = load_tracker(tracker, seed=seed, runtime=runtime)
        with tempfile.TemporaryDirectory() as results:
            ope.run([contender], sequences, Path(results), "otb")
            (found,) = ope.score("otb", sequences, Path(results))
        source = f"results/{benchmark}/{seed}/otb/{recorded}"
        report.save_json([replace(found, source=source)], path)
        sys.stdout.write(f"{path}: success {found.scores['success_auc']:.3f}\n")


def parse(run: str) -> tuple[str, int, RuntimeName]:
    """Tracker, seed and runtime of `matom:0` or `matom:int8:0`."""
    tracker, *runtime, seed = run.split(":")
    if runtime not in ([], ["int8"]) or not seed.isdigit():
        raise argparse.ArgumentTypeError(f"{run}: write TRACKER:SEED or TRACKER:int8:SEED")
    return tracker, int(seed), "int8" if runtime else "auto"


def scores(tracker: str, folder: Path = records.FOLDER) -> dict[str, dict[str, float]]:
    """Of each benchmark with a record: the number of seeds, and means, to four decimals."""
    found = {}
    for benchmark in VIDEOS:
        pooled = records.pooled(tracker, (benchmark,), folder)
        if pooled is not None:
            means = {name: round(value, 4) for name, value in pooled.scores.items()}
            found[benchmark] = {"seeds": pooled.repetitions, **means}
    return found


def note_scores(weights: Path = paths.WEIGHTS, folder: Path = records.FOLDER) -> None:
    """Writes the scores into the card of each network that has a record."""
    for path in sorted(weights.glob("*.safetensors")):
        found = scores(path.stem, folder)
        if found:
            card = tensor_file.read_card(path) | {"scores": found}
            text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
            write_text(tensor_file.card_path(path), text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("runs", nargs="*", metavar="TRACKER[:int8]:SEED", type=parse)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for run in given.runs:
        record(given.videos, *run)
    note_scores()
