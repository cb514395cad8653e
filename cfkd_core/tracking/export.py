"""A tracker's network in files that need neither torch nor this project."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8

from cfkd_core import files
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.errors import InputError
from cfkd_core.models import whole_numbers
from cfkd_core.models.backbones import IMAGENET_MEAN, IMAGENET_STD
from cfkd_core.tracking.online import OnlineOptions, OnlineTracker
from cfkd_core.tracking.runtime import EXACT, require
from cfkd_core.tracking.tracker import Tracker

if TYPE_CHECKING:
    import onnx

METADATA = "metadata.json"

GRAPHS = ("search", "search_int8", "target", "judge")
FILES = (*(f"{name}.onnx" for name in GRAPHS), METADATA)
"""All that an export may write."""

PATCHES = 64  # that a graph in whole numbers is calibrated on

# Search patches as a tracker cuts them: about the last place, and in the colours that there are.
AS_TRACKED = PairOptions(grey=0.0, brightness=0.0, scale_jitter=0.15, shift_jitter=1.0)


def export(
    tracker: Tracker, folder: Path, calibration: Iterable[Source] | None = None
) -> list[Path]:
    """Writes a tracker's network as ONNX graphs, and `metadata.json`, which says how to use them.

    `search.onnx` is asked once a frame; with a head there are `target.onnx`, asked once a target,
    and `judge.onnx`, asked as often as boxes are judged. See `models.export` for their values.

    Args:
        folder: is made where it is missing.
        calibration: annotated videos or stills that show what `search_int8.onnx` must be able to
            express; without them it is not written.

    Returns:
        The files, the metadata last.

    Raises:
        InputError: if the tracker has no network, `onnx` or `onnxruntime` is not installed, there
            is nothing to calibrate on, or the folder cannot be written.
    """
    if not isinstance(tracker, OnlineTracker):
        raise InputError(f"tracker {tracker.name}: has no network to export; choose matom, say")
    require()
    models = _graphs(tracker, calibration)
    paths = {name: folder / f"{name}.onnx" for name in models}
    for name, model in models.items():
        files.write_bytes(paths[name], model.SerializeToString())
    metadata = _metadata(tracker) | {
        "graphs": {name: _description(paths[name].name, each) for name, each in models.items()}
    }
    if "search_int8" in models:
        metadata["graphs"]["search_int8"]["session without VNNI"] = EXACT
    files.write_text(folder / METADATA, json.dumps(metadata, indent=2) + "\n")
    return [*paths.values(), folder / METADATA]


def calibration_patches(
    sources: Iterable[Source], options: OnlineOptions, count: int
) -> list[UInt8[np.ndarray, "1 s s 3"]]:
    """Search patches as a tracker with these options would see them, RGB.

    Raises:
        InputError: if there is nothing to cut them from.
    """
    fitting = replace(AS_TRACKED, size=options.size, search_scale=options.search_scale)
    pairs = PairDataset(sources, count, seed=0, options=fitting)
    images = (pairs[index].search.permute(0, 2, 3, 1) for index in range(count))
    return [(255 * image).round().to(torch.uint8).numpy() for image in images]


def write_int8(tracker: OnlineTracker, calibration: Iterable[Source], path: Path) -> None:
    """Writes what `runtime="int8"` runs for a tracker's network, and its card.

    Args:
        calibration: as of `export`.
        path: ends in `_int8.onnx`.

    Raises:
        InputError: as of `export`.
    """
    require()
    from cfkd_core.models.export import search_graph

    sources = list(calibration)
    graph = _in_whole_numbers(search_graph(tracker.net), sources, tracker.options)
    card = {
        "name": f"{tracker.name} in whole numbers: the graph `search` of `export`",
        "network": whole_numbers.digest(tracker.net),
        "calibrated_on": [source.name for source in sources],
        "patches": PATCHES,
        "licence": "MIT",
    }
    whole_numbers.write(graph.SerializeToString(), path, card)


def _in_whole_numbers(
    search: "onnx.ModelProto", calibration: Iterable[Source], options: OnlineOptions
) -> "onnx.ModelProto":
    from cfkd_core.models.quantise import quantise

    return quantise(search, calibration_patches(calibration, options, PATCHES))


def _graphs(
    tracker: OnlineTracker, calibration: Iterable[Source] | None
) -> dict[str, "onnx.ModelProto"]:
    """The graphs by their names."""
    from cfkd_core.models.export import judge_graph, search_graph, target_graph

    net, size = tracker.net, tracker.options.size
    models = {"search": search_graph(net)}
    if calibration is not None:
        models["search_int8"] = _in_whole_numbers(models["search"], calibration, tracker.options)
    if net.iou_head is not None:
        models |= {"target": target_graph(net, size), "judge": judge_graph(net, size)}
    return models


def _metadata(tracker: OnlineTracker) -> dict:
    """What must be known of the tracker, and of what its graphs take."""
    return {
        "tracker": {"name": tracker.name, "kind": type(tracker).__name__, **tracker.card},
        "network": asdict(tracker.net.architecture),
        "pixels": {
            "layout": "batch, height, width, RGB",
            "type": "uint8",
            "size": tracker.options.size,
            "normalised inside": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
        },
        "boxes": "x, y, w, h in px of the patch, counted from its top left edge",
    }


def _description(file: str, model: "onnx.ModelProto") -> dict:
    """Where a graph lies, its hash, and the shapes of what it takes and gives."""
    return {
        "file": file,
        "sha256": hashlib.sha256(model.SerializeToString()).hexdigest(),
        "inputs": {value.name: _shape(value) for value in model.graph.input},
        "outputs": {value.name: _shape(value) for value in model.graph.output},
    }


def _shape(value: "onnx.ValueInfoProto") -> list[int | str]:
    return [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
