"""Networks in files: our own, and those that PyTracking and the thesis's author published."""

from collections.abc import Mapping, Set
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from cfkd_core._compat import torchvision
from cfkd_core.errors import InputError
from cfkd_core.models import checkpoint, tensor_file
from cfkd_core.models.atom import ARCHITECTURES, HEADS, Architecture, AtomNet, build
from cfkd_core.models.backbones import BACKBONES, build_backbone


def save(net: AtomNet, path: Path, card: dict) -> None:
    """Writes a network to `path` (`.safetensors`, float16) and its card beside it.

    Args:
        card: what is known of the weights: at least `origin` and `licence`; training adds recipe,
            data, seed, commit and scores. The architecture, size and SHA-256 are added.

    Raises:
        InputError: if the card lacks `origin` or `licence`, or the name is not `.safetensors`.
    """
    missing = {"origin", "licence"} - card.keys()
    if missing:
        raise InputError(f"card of {path}: lacks {', '.join(sorted(missing))}")
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: weights are written as .safetensors")
    words = {key: str(value) for key, value in asdict(net.architecture).items()}
    described = {"architecture": asdict(net.architecture)} | card
    tensor_file.write(net.state_dict(), path, described, words)


def load(path: Path) -> AtomNet:
    """The network that `save` wrote, in `eval` mode.

    Raises:
        InputError: if the file or its card is missing, the two disagree, or it is no network.
    """
    words = tensor_file.read_metadata(path)
    tensor_file.check_card(path)
    architecture = _architecture_from(words, path)
    net = build(architecture)
    _fill(net, tensor_file.read(path), path)
    return net.eval()


def load_any(path: Path) -> AtomNet:
    """The network in a file of this project (`.safetensors`), or else in one of PyTracking.

    Raises:
        InputError: as `load` and `import_pytracking` do.
    """
    return load(path) if path.suffix == ".safetensors" else import_pytracking(path)


def _architecture_from(words: dict[str, str], path: Path) -> Architecture:
    """The architecture that a file's header names."""
    backbone, head, width = (words.get(key, "") for key in ("backbone", "head", "width"))
    known_head = head in HEADS and width.isdecimal() and 1 < int(width) <= 4096
    if backbone not in BACKBONES or not (known_head or (head, width) == ("none", "0")):
        raise InputError(
            f"{path}: not a network of this project; its header says backbone={backbone!r}, "
            f"head={head!r}, width={width!r}"
        )
    return Architecture(backbone, head, int(width))


def _fill(net: AtomNet, state: Mapping[str, Tensor], path: Path) -> None:
    """Loads `state`; every tensor of the network must be there, and nothing else."""
    own = net.state_dict()
    _check_names(own.keys(), state.keys(), path)
    for name, tensor in own.items():
        _check_shape(name, tuple(state[name].shape), tuple(tensor.shape), path)
    net.load_state_dict(state)


def _check_names(expected: Set[str], found: Set[str], path: Path) -> None:
    missing, unknown = sorted(expected - found), sorted(found - expected)
    if missing or unknown:
        faults = [f"lacks {_some(missing)}"] * bool(missing)
        faults += [f"has unknown {_some(unknown)}"] * bool(unknown)
        raise InputError(f"{path}: not understood: it {' and '.join(faults)}")


def _some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(name[:80] for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _check_shape(name: str, found: tuple[int, ...], expected: tuple[int, ...], path: Path) -> None:
    if found != expected:
        raise InputError(f"{path}: {name} has shape {found}, expected {expected}")


# Original names of what the head's layers and MobileNetV2's blocks are called here (The original,
# exactly, sections 1.2 and 2.1). ResNet keeps torchvision's names. The head's last layer is called
# as its author pleased.
_HEAD_NAMES = {
    "target_conv3.": "conv3_1r.",
    "target_vector3.": "fc3_1r.",
    "target_conv4.": "conv4_1r.",
    "modulate3.": "fc34_3r.",
    "modulate4.": "fc34_4r.",
    "search_conv3.0.": "conv3_1t.",
    "search_conv3.1.": "conv3_2t.",
    "search_conv4.0.": "conv4_1t.",
    "search_conv4.1.": "conv4_2t.",
    "fc3.0.": "fc3_rt.linear.",
    "fc3.1.": "fc3_rt.bn.",
    "fc4.0.": "fc4_rt.linear.",
    "fc4.1.": "fc4_rt.bn.",
}
_MOBILENET_NAMES = {
    "block1.": "conv1.0.",
    "block2.": "layer1.",
    "block3.": "layer2.",
    "block4.": "layer3.",
}

# Layers that checkpoints carry and no tracker runs (The original, exactly, sections 1.1 and 2.1).
_DEAD = tuple(f"feature_extractor.{layer}." for layer in ("layer4", "fc", "classifier"))

# Absent from files older than torch 0.4.1, and read by nothing here.
_COUNTER = "num_batches_tracked"


def import_pytracking(path: Path) -> AtomNet:
    """A network published by PyTracking or by the thesis's author, in `eval` mode.

    ATOM on ResNet-18, its m, s and t variants, mATOM, DRNet and mDRNet are told apart by the names
    and shapes of their parameters. Nothing that the file asks for is executed: see `checkpoint`.

    Args:
        path: a state dict, or a dict with one under `net` beside objects that are not read.

    Raises:
        InputError: if the file is no checkpoint, or parameters are missing or not understood.
    """
    stored = _stored_parameters(path)
    last_layer = _last_layer(stored)
    net = build(_recognise(stored, last_layer))
    originals = _original_names(net, last_layer)
    _check_names(set(originals.values()), stored.keys(), path)
    own = net.state_dict()
    for name, original in originals.items():
        _check_shape(original, tuple(stored[original].shape), tuple(own[name].shape), path)
        own[name] = stored[original].detach()
    net.load_state_dict(own)
    return net.eval()


def _stored_parameters(path: Path) -> dict[str, Tensor]:
    """The named tensors of a checkpoint, without the layers that never run."""
    content = checkpoint.read(path)
    state = content.get("net", content)
    tensors = state.items() if isinstance(state, dict) else ()
    stored = {
        name: tensor
        for name, tensor in tensors
        if isinstance(name, str) and checkpoint.is_plain(tensor)
    }
    if not stored:
        raise InputError(f"{path}: no named tensors, neither in it nor under 'net'")
    return {
        name: tensor
        for name, tensor in stored.items()
        if not name.startswith(_DEAD) and not name.endswith(_COUNTER)
    }


def _last_layer(stored: Mapping[str, Tensor]) -> str:
    """Prefix of the head's last layer: the only one whose name is not fixed; ATOM's by default."""
    known = tuple(f"bb_regressor.{name}" for name in _HEAD_NAMES.values())
    free = {
        name.removesuffix("weight")
        for name in stored
        if name.startswith("bb_regressor.") and name.endswith(".weight")
        if not name.startswith(known)
    }
    return free.pop() if len(free) == 1 else "bb_regressor.iou_predictor."


def _original_names(net: AtomNet, last_layer: str) -> dict[str, str]:
    """Our name of each parameter and running statistic -> the original one."""
    mobile = net.backbone.name.startswith("mobilenet")
    blocks = _MOBILENET_NAMES if mobile else net.backbone.torchvision_names
    prefixes = {f"backbone.{ours}": f"feature_extractor.{name}" for ours, name in blocks.items()}
    prefixes |= {f"iou_head.{ours}": f"bb_regressor.{name}" for ours, name in _HEAD_NAMES.items()}
    prefixes["iou_head.output."] = last_layer
    return {
        name: prefixes[prefix] + name.removeprefix(prefix)
        for name in net.state_dict()
        if not name.endswith(_COUNTER)
        for prefix in prefixes
        if name.startswith(prefix)
    }


def _recognise(stored: Mapping[str, Tensor], last_layer: str) -> Architecture:
    """The one of `ARCHITECTURES` that most of the file's parameters fit, by name and shape."""

    def fitting(architecture: Architecture) -> int:
        with torch.device("meta"):
            net = build(architecture)
        own = net.state_dict()
        return sum(
            original in stored and stored[original].shape == own[name].shape
            for name, original in _original_names(net, last_layer).items()
        )

    return max(ARCHITECTURES.values(), key=fitting)


def write_trunk(source: Path, path: Path, card: dict) -> None:
    """Writes MobileNetV2's ImageNet trunk, in torchvision's names, as it ships in `data/weights`.

    Args:
        source: state dict of MobileNetV2's `features`, in torchvision's order. The names do not
            matter: older implementations number the layers of a block differently.
        card: what is known of the weights.

    Raises:
        InputError: if the shapes are not MobileNetV2's.
    """
    layers = torchvision.models.mobilenet_v2().features.state_dict(prefix="features.")
    tensors = list(tensor_file.read(source).values())
    if [tensor.shape for tensor in layers.values()] != [tensor.shape for tensor in tensors]:
        raise InputError(f"{source}: not the layers of MobileNetV2, in torchvision's order")
    named = dict(zip(layers, tensors, strict=True))
    used = tuple(build_backbone("mobilenet_v2").torchvision_names.values())
    trunk = {
        name: tensor
        for name, tensor in named.items()
        if name.startswith(used) and not name.endswith(_COUNTER)
    }
    tensor_file.write(trunk, path, card, {"backbone": "mobilenet_v2", "names": "torchvision"})
