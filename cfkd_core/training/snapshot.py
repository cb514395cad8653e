"""A training run as it stands, in one file: what must be known to go on exactly."""

from pathlib import Path
from typing import Any

import torch

from cfkd_core import files
from cfkd_core.errors import InputError

FILE = "snapshot.pt"


def write(folder: Path, state: dict[str, Any]) -> None:
    """Writes `state` beside the last snapshot, then in its place: a kill leaves one or the other.

    Raises:
        InputError: if the folder cannot be written.
    """
    with files.beside(folder / FILE) as place:
        try:
            torch.save(state, place)
        except RuntimeError as error:  # a disk that is full, in torch's words
            raise OSError(str(error)) from None


def read(folder: Path) -> dict[str, Any] | None:
    """The last snapshot in `folder`; None if there is none. Only tensors and plain values are read.

    Raises:
        InputError: if the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # torch's reader raises whatever a damaged file makes it stumble over
    except Exception:
        raise InputError(f"{path}: damaged; delete it to train from the start") from None
