"""What a training run writes down about itself, a record a step."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from cfkd_core.errors import InputError
from cfkd_core.files import read_text, write_text

FILE = "log.jsonl"

MOST_BYTES = 2**30
"""Of a journal: a million steps have some 300 MB."""


class Journal:
    """One student's records, as JSON lines and for TensorBoard, in a folder of its own.

    Args:
        folder: is made; holds `log.jsonl` and TensorBoard's event files.
        step: where the run begins: what an interrupted one has written beyond it is taken back.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / FILE
        kept = [entry for entry in read(folder) if entry["step"] < step] if step else []
        write_text(self.path, "".join(_line(entry) for entry in kept))
        self._file = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Adds a record; a value that is not finite is kept as its name.

        Raises:
            InputError: if the disk takes no more.
        """
        try:
            self._file.write(_line({"step": step} | dict(values)))
            self._file.flush()
            for name, value in values.items():
                self._board.add_scalar(name, value, step)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); free space, then give the "
                "same command again"
            ) from None

    def close(self) -> None:
        """Leaves both files complete."""
        self._file.close()
        self._board.close()


def _line(entry: Mapping[str, float | int]) -> str:
    sound = {
        key: value if not isinstance(value, float) or math.isfinite(value) else str(value)
        for key, value in entry.items()
    }
    return json.dumps(sound) + "\n"


def read(folder: Path) -> list[dict[str, float | int]]:
    """The records in a student's folder, oldest first; a half-written last line is left out.

    Raises:
        InputError: if a line before the last is not a record.
    """
    path = folder / FILE
    lines = read_text(path, MOST_BYTES).splitlines() if path.is_file() else []
    entries = []
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if entry is not None:
            entries.append(entry)
        elif number < len(lines):
            raise InputError(f"{path}, line {number}: not a record; delete the file")
    return entries


def _entry(line: str) -> dict[str, float | int] | None:
    """The record in a line; None where there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("step"), int) else None
