"""Named tensors in a file, and the card beside it that says what they are.

A card is a JSON file of the same name: where the numbers come from, their licence, and the SHA-256
of the tensors. Both are written beside their final name and then renamed, so that a crash never
leaves half a file.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from cfkd_core import files, paths
from cfkd_core.errors import InputError
from cfkd_core.models import checkpoint

# BatchNorm's parameters and statistics, biases and depthwise kernels are this small in every
# network here. They are few, and rounding them costs thirty times what rounding the rest does:
# block 4 of the ImageNet trunk moves by 3.8 % with all in float16, by 0.13 % this way.
_LARGE = 2048

# One entry of the header holds all words: safetensors writes several in an order of chance, and the
# same network should give the same file.
_HEADER = "cfkd"


def card_path(path: Path) -> Path:
    """Where the card of the tensors at `path` lies."""
    return path.with_suffix(".json")


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a `.safetensors` file or of a plain state dict that `torch.save` wrote.

    A card beside the file must agree with it. Floating tensors come back in float32.

    Raises:
        InputError: if the file is missing, damaged or holds anything but named tensors.
    """
    _check_exists(path)
    if card_path(path).is_file():
        check_card(path)
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }


def read_metadata(path: Path) -> dict[str, str]:
    """The words that a `.safetensors` file carries in its header.

    Raises:
        InputError: if the file is missing or is not one.
    """
    _check_exists(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER, "{}"))
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a safetensors file, or damaged ({error}){_remedy(path)}"
        ) from None
    words = header.items() if isinstance(header, dict) else ()
    return {key: value for key, value in words if isinstance(value, str)}


def read_card(path: Path) -> dict:
    """The card of the tensors at `path`.

    Raises:
        InputError: if it is missing or is no JSON object.
    """
    card = card_path(path)
    if not card.is_file():
        raise InputError(f"{card}: missing; weights travel with their card")
    content = files.read_json(card, "fetch it again")
    if not isinstance(content, dict):
        raise InputError(f"{card}: not a card; expected a JSON object")
    return content


def check_card(path: Path) -> None:
    """Raises `InputError` unless the card's SHA-256 is that of the tensors at `path`."""
    expected = read_card(path).get("sha256")
    found = sha256(path)
    if found != expected:
        raise InputError(
            f"{path}: damaged, or not the file its card describes: its SHA-256 is {found[:12]}…, "
            f"{card_path(path).name} says {str(expected)[:12]}…"
            f"{_remedy(path) or '; fetch both again'}"
        )


def write(state: Mapping[str, Tensor], path: Path, card: dict, metadata: dict[str, str]) -> None:
    """Writes the tensors as safetensors, the large ones in float16.

    Args:
        card: what is known of the numbers; `sha256` and `bytes` are added.
        metadata: goes into the header of the tensors' file.

    Raises:
        InputError: if the place cannot be written.
    """
    compact = {name: _compact(tensor).contiguous() for name, tensor in state.items()}
    with files.beside(card_path(path)) as card_place, files.beside(path) as place:
        try:
            safetensors.torch.save_file(compact, place, {_HEADER: json.dumps(metadata)})
        except safetensors.SafetensorError as error:  # a disk that is full, in its words
            raise OSError(str(error)) from None
        written = card | {"sha256": sha256(place), "bytes": place.stat().st_size}
        card_place.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _compact(tensor: Tensor) -> Tensor:
    """`tensor` in float16 if it is large and fits its range, else as it is."""
    if not tensor.is_floating_point() or tensor.numel() <= _LARGE:
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


def _check_exists(path: Path) -> None:
    if not files.is_file(path):
        raise InputError(f"{path}: no such weights file{_remedy(path)}")


def _remedy(path: Path) -> str:
    """What to do about a file that ships, as the end of a message; nothing for another."""
    return f"; {paths.RESTORE}" if path.parent == paths.WEIGHTS else ""


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: not a safetensors file, or damaged ({error}){_remedy(path)}"
        ) from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    state = checkpoint.read(path)
    named = all(isinstance(name, str) and checkpoint.is_plain(each) for name, each in state.items())
    if not state or not named:
        raise InputError(f"{path}: not a state dict; expected names with tensors")
    return {name: tensor.detach() for name, tensor in state.items()}
