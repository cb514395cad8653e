"""How long an answer takes: as measured now, as assumed, or as recorded elsewhere."""

import hashlib
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from cfkd_core.benchmarks.referee import Latency, measured
from cfkd_core.datasets.readers import read_rows
from cfkd_core.errors import InputError
from cfkd_core.files import is_file, is_folder


@runtime_checkable
class Clock(Protocol):
    """Says how long each answer takes."""

    def latency(self, sequence: str) -> Latency:
        """(frame, measured seconds) -> seconds, for one sequence."""

    def describe(self) -> str:
        """For the card: what decides the answers."""


@dataclass(frozen=True)
class LiveClock:
    """What this machine takes, now; another run gives another answer."""

    def latency(self, sequence: str) -> Latency:
        """The measured seconds."""
        return measured

    def describe(self) -> str:
        """`live`."""
        return "live"


@dataclass(frozen=True)
class ConstantClock:
    """The same for every answer.

    Attributes:
        seconds: of an answer.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise InputError(f"latency {1000 * self.seconds:g} ms: must be finite and not negative")

    def latency(self, sequence: str) -> Latency:
        """The constant."""
        return partial(_constant, self.seconds)

    def describe(self) -> str:
        """Milliseconds."""
        return f"{1000 * self.seconds:g} ms"


def _constant(seconds: float, frame: int, measured: float) -> float:
    return seconds


@dataclass(frozen=True)
class RecordedClock:
    """What was measured earlier, frame by frame.

    Attributes:
        path: a file with the seconds of a frame a line, as `run` leaves beside its boxes; or a
            folder with such a file for each sequence, as `run` leaves it.
    """

    path: Path

    def latency(self, sequence: str) -> Latency:
        """The seconds recorded for the sequence.

        Raises:
            InputError: if there is no record, or it holds something else than seconds.
        """
        path = self._file(sequence)
        if not path.is_file():
            raise InputError(
                f"{path}: no such record of seconds; a run leaves one beside its boxes"
            )
        seconds = read_rows(path, 1)[:, 0]
        if (seconds < 0).any():
            raise InputError(f"{path}: seconds must be finite and not negative")
        return partial(_recorded, path, seconds)

    def describe(self) -> str:
        """A digest of the files, wherever they lie."""
        files = sorted(self.path.glob("*_time.txt")) if self.path.is_dir() else [self.path]
        digest = hashlib.sha256()
        for file in files:
            # a single record serves every sequence, so its name says nothing
            named = file.name if self.path.is_dir() else ""
            digest.update(named.encode() + b"\0" + file.read_bytes() + b"\0")
        return f"recorded {digest.hexdigest()[:16]}"

    def _file(self, sequence: str) -> Path:
        return self.path / f"{sequence}_time.txt" if self.path.is_dir() else self.path


def _recorded(path: Path, seconds: Float[np.ndarray, "t"], frame: int, measured: float) -> float:
    if frame >= len(seconds) or np.isnan(seconds[frame]):
        raise InputError(
            f"{path}: no seconds for frame {frame} (line {frame + 1}); record them all"
        )
    return float(seconds[frame])


def read_clock(text: str) -> Clock:
    """A clock by its name on the command line: `live`, milliseconds, or a file or folder of times.

    Raises:
        InputError: if it is none of these.
    """
    if text == "live":
        return LiveClock()
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = None
    if milliseconds is not None:
        return ConstantClock(milliseconds / 1000)
    if not (is_file(Path(text)) or is_folder(Path(text))):
        raise InputError(
            f"latency {text}: neither `live`, nor milliseconds, nor a file or folder of times"
        )
    return RecordedClock(Path(text))
