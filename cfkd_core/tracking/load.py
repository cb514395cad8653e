"""Trackers by name, ours and OpenCV's."""

from pathlib import Path

from cfkd_core import paths
from cfkd_core.errors import InputError
from cfkd_core.models.atom import AtomNet
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.models.weights import import_pytracking, load
from cfkd_core.tracking.atom import ATOM, MATOM, AtomOptions, AtomTracker
from cfkd_core.tracking.mosse import MosseTracker
from cfkd_core.tracking.opencv import MAKERS, OpenCVTracker
from cfkd_core.tracking.tracker import Tracker

_ATOM_OPTIONS: dict[str, AtomOptions] = {"atom": ATOM, "matom": MATOM}
_BACKBONES = {"atom": "resnet18", "matom": "mobilenet_v2"}

TRACKERS = (*_ATOM_OPTIONS, "mosse", *MAKERS)


def load_tracker(name: str, *, weights: Path | None = None, seed: int = 0) -> Tracker:
    """A tracker by name, ready for `init`.

    Args:
        name: one of `TRACKERS`.
        weights: of `atom` and `matom`: a file of this project (`.safetensors`), or a checkpoint of
            PyTracking or of the thesis's author. Without it, what ships with the project: the
            student's own weights, or else the ImageNet backbone and no head.
        seed: of everything random.

    Raises:
        InputError: for a name that is not one of them, or weights that cannot be used.
    """
    if name not in TRACKERS:
        raise InputError(f"tracker {name}: choose one of {', '.join(TRACKERS)}")
    if weights is not None and name not in _ATOM_OPTIONS:
        raise InputError(f"tracker {name}: takes no weights, got {weights}")
    if name == "mosse":
        return MosseTracker(seed=seed)
    if name in MAKERS:
        return OpenCVTracker(name, seed=seed)
    return AtomTracker(_network(name, weights), _ATOM_OPTIONS[name], seed=seed, name=name)


def _network(name: str, weights: Path | None) -> AtomNet:
    shipped = paths.WEIGHTS / f"{name}.safetensors"
    if weights is None and shipped.is_file():
        weights = shipped
    if weights is None:
        return AtomNet(imagenet_backbone(_BACKBONES[name]), None)
    return load(weights) if weights.suffix == ".safetensors" else import_pytracking(weights)
