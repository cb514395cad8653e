"""Trackers by name, ours and OpenCV's."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from cfkd_core import paths
from cfkd_core.errors import InputError
from cfkd_core.models.atom import ARCHITECTURES, HEADS, AtomNet
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.tensor_file import card_path, read_card, read_metadata
from cfkd_core.models.weights import load_any
from cfkd_core.tracking.atom import ATOM, MATOM_TUNED, AtomTracker
from cfkd_core.tracking.drnet import DRNET, DrnetTracker
from cfkd_core.tracking.mosse import MosseTracker
from cfkd_core.tracking.online import OnlineOptions, OnlineTracker
from cfkd_core.tracking.opencv import MAKERS, OpenCVTracker
from cfkd_core.tracking.runtime import RuntimeName
from cfkd_core.tracking.tracker import Tracker

Options = TypeVar("Options", bound=OnlineOptions)

_ATOMS, _DRNETS = ("atom", "matom"), ("drnet", "mdrnet")

CLASSIFIER = "classifier"
"""mATOM's online classifier alone, on the ImageNet trunk: the box moves and keeps its size."""

TRACKERS = (*_ATOMS, *_DRNETS, CLASSIFIER, "mosse", *MAKERS)
"""Always there; networks that ship under other names (see `trained`) are trackers, too."""

ALIASES = {"matom-thesis": "cfkd"}
"""Other names of networks that ship."""

PRESETS: dict[str, OnlineOptions] = {"thesis": ATOM, "tuned": MATOM_TUNED, "drnet": DRNET}
"""Options by the name that a card of weights has for them, under `tracker`."""

# Of the networks that need no file, or whose card is of a version that did not write it.
_USUAL = {
    **dict.fromkeys(("matom", "matom_ts_ah", "matom_taught", CLASSIFIER), "tuned"),
    **dict.fromkeys(_DRNETS, "drnet"),
}

# Backbones whose classifier has 32 channels; 64 for the others (The original, exactly,
# section 2.4).
_NARROW = ("mobilenet_v2", "mobilenet_v2_c96", "resnet18_t")


def load_tracker(
    name: str, *, weights: str | Path | None = None, seed: int = 0, runtime: RuntimeName = "auto"
) -> Tracker:
    """A tracker by name, ready for `init`.

    Args:
        name: one of `TRACKERS` or `trained()`.
        weights: a network in a file of this project (`.safetensors`), or a checkpoint of
            PyTracking or of the thesis's author; for every name but those of the trackers without
            a network. Without it, what ships under the name, or else the ImageNet backbone and no
            head.
        seed: of everything random.
        runtime: what runs a network on search patches: onnxruntime, torch, or auto for the faster
            of those that are installed. The answers are the same to rounding. int8 is a graph in
            whole numbers, which ships for `matom`: its answers are other ones.

    Raises:
        InputError: for a name that is not one of them, or weights or a runtime that cannot be used.
    """
    if name not in TRACKERS and name not in trained():
        choices = ", ".join(dict.fromkeys([*TRACKERS, *trained()]))
        raise InputError(f"tracker {name}: choose one of {choices}")
    if name == "mosse" or name in MAKERS:
        if weights is not None:
            raise InputError(f"tracker {name}: takes no weights, got {weights}")
        return MosseTracker(seed=seed) if name == "mosse" else OpenCVTracker(name, seed=seed)
    file = None if weights is None else Path(weights)
    net, preset = _network(name, file)
    return tracker_for(net, name, preset=preset, seed=seed, runtime=runtime)


def trained() -> tuple[str, ...]:
    """Names of the trained networks that ship with the project, their other names included."""
    files = sorted(paths.WEIGHTS.glob("*.safetensors"))
    names = [file.stem for file in files if read_metadata(file).get("head") in HEADS]
    return (*names, *(alias for alias, name in ALIASES.items() if name in names))


def find_weights(name: str) -> Path:
    """The file of a network that is named by its path, or by the name under which it ships.

    Raises:
        InputError: if it is neither.
    """
    for file in (Path(name), paths.WEIGHTS / f"{ALIASES.get(name, name)}.safetensors"):
        if file.is_file():
            return file
    raise InputError(f"weights {name}: no such file, and not one of {', '.join(trained())}")


def tracker_for(
    net: AtomNet,
    name: str,
    *,
    preset: str = "thesis",
    seed: int = 0,
    runtime: RuntimeName = "auto",
) -> OnlineTracker:
    """The tracker that a network is made for, under a name of your choice.

    The head says which algorithm, the backbone how wide the classifier is.

    Args:
        preset: one of `PRESETS`; of "drnet" and the others a head that regresses boxes takes the
            first, and a head that predicts IoU one of the others.

    Raises:
        InputError: if there is no such preset.
    """
    if preset not in PRESETS:
        raise InputError(f"tracker options {preset!r}: choose one of {', '.join(PRESETS)}")
    channels = 32 if net.backbone.name in _NARROW else 64
    regresses = preset == "drnet" if net.iou_head is None else isinstance(net.iou_head, BoxHead)
    if regresses:
        fitting = _with_channels(DRNET, channels)
        return DrnetTracker(net, fitting, seed=seed, name=name, runtime=runtime)
    own = MATOM_TUNED if preset == "tuned" else ATOM
    return AtomTracker(net, _with_channels(own, channels), seed=seed, name=name, runtime=runtime)


def preset_of(file: Path) -> str:
    """The options that a network was trained for: its card's, or else the thesis's."""
    if file.suffix != ".safetensors":
        return "thesis"
    card = read_card(file)
    return str(card.get("tracker") or _USUAL.get(str(card.get("name")), "thesis"))


def _with_channels(options: Options, channels: int) -> Options:
    return replace(options, classifier=replace(options.classifier, channels=channels))


def _network(name: str, weights: Path | None) -> tuple[AtomNet, str]:
    """The network of a tracker, and the options that go with it."""
    shipped = paths.WEIGHTS / f"{ALIASES.get(name, name)}.safetensors"
    # a card without its tensors says that they ought to be here
    if weights is None and (shipped.is_file() or card_path(shipped).is_file()):
        weights = shipped
    if weights is None:
        like = ARCHITECTURES["matom" if name == CLASSIFIER else name]
        return AtomNet(imagenet_backbone(like.backbone), None), _USUAL.get(name, "thesis")
    return load_any(weights), preset_of(weights)
