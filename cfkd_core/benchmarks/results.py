"""The folder of one tracker's results: where each file lies, and the card that says what made them.

A result counts only as long as its card fits: the same tracker (options, seed, weights), the same
way of running it, and, sequence by sequence, the same data.
"""

import glob
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from cfkd_core.datasets.readers import read_rows
from cfkd_core.datasets.regions import to_corners
from cfkd_core.datasets.sequence import ImageFiles, NumberedImages, Sequence
from cfkd_core.errors import InputError
from cfkd_core.files import locked, read_json, write_text
from cfkd_core.tracking.tracker import Prediction

CARD = "tracker.json"

_DATA = "sequences"


def first_box(sequence: Sequence) -> Float[np.ndarray, "1 4"]:
    """What a tracker is told that is run once from start to end."""
    return sequence.boxes[:1]


def annotation(sequence: Sequence) -> Float[np.ndarray, "t _"]:
    """What a run with restarts is judged by: regions where there are some, else boxes."""
    return sequence.boxes if sequence.regions is None else sequence.regions


def told_at_restarts(sequence: Sequence) -> Float[np.ndarray, "t _"]:
    """What a run with restarts depends on: corners where there are regions, else boxes."""
    return sequence.boxes if sequence.regions is None else to_corners(sequence.regions)


@dataclass(frozen=True)
class ResultLayout:
    """Where the results of one kind of experiment lie, and what they depend on.

    Attributes:
        folder: under the tracker's folder; empty for that folder itself.
        first: the files of a sequence's first repetition, without suffix.
        later: those of the other ones.
        globs: find all of them.
        told: the part of the annotation that decides the answers.
    """

    folder: str
    first: str
    later: str
    globs: tuple[str, ...]
    told: Callable[[Sequence], Float[np.ndarray, "n _"]]

    def place(self, results: Path, benchmark: str, tracker: str) -> Path:
        """The folder that holds the card."""
        return results / benchmark / tracker / self.folder

    def boxes(self, folder: Path, name: str, repetition: int = 1) -> Path:
        """The file of boxes or regions; it is written last, so where it is, the rest is."""
        return folder / f"{self._stem(name, repetition)}.txt"

    def times(self, folder: Path, name: str, repetition: int = 1) -> Path:
        """The file of seconds, a frame a line."""
        return folder / f"{self._stem(name, repetition)}_time.txt"

    def trace(self, folder: Path, name: str, repetition: int = 1) -> Path:
        """The table of score and status, a frame a row, where the run was asked for it."""
        return folder / f"{self._stem(name, repetition)}_trace.csv"

    def files(self, folder: Path) -> Iterator[Path]:
        """Every file of results in `folder`."""
        return (path for pattern in self.globs for path in folder.glob(pattern))

    def repetitions(self, folder: Path, name: str) -> list[int]:
        """Numbers of the repetitions of a sequence that are there, in order."""
        pattern = self.later.format(name=glob.escape(name), repetition="*") + ".txt"
        found = " ".join(path.relative_to(folder).as_posix() for path in folder.glob(pattern))
        numbers = {1, *map(int, re.findall(r"_(\d{3})[./]", found))}
        return [each for each in sorted(numbers) if self.boxes(folder, name, each).is_file()]

    def _stem(self, name: str, repetition: int) -> str:
        # not with_suffix: OTB has sequences like Jogging.1
        pattern = self.first if repetition == 1 else self.later
        return pattern.format(name=name, repetition=f"{repetition:03d}")


def _vot_layout(folder: str) -> ResultLayout:
    pattern = "{name}/{name}_{repetition}"
    globs = ("*/*.txt", "*/*_trace.csv")
    return ResultLayout(folder, pattern, pattern, globs, told_at_restarts)


# A single repetition of one pass lies where other toolkits expect it. With restarts, the names
# are those of the VOT challenge's result folders.
LAYOUTS = {
    "ope": ResultLayout(
        folder="",
        first="{name}",
        later="repetition_{repetition}/{name}",
        globs=("*.txt", "*_trace.csv", "repetition_*/*.txt", "repetition_*/*_trace.csv"),
        told=first_box,
    ),
    "reset": _vot_layout("baseline"),
    "realtime": _vot_layout("realtime"),
}


def fingerprint(sequence: Sequence, layout: ResultLayout) -> dict[str, object]:
    """What a result depends on in its sequence: length, annotation that is told, images.

    The first and the last image stand for all, so that a look at a thousand videos takes seconds.
    """
    told = layout.told(sequence)
    images = [_image_bytes(sequence, index) for index in (0, len(sequence) - 1)]
    # adding zero makes one zero of two
    return {
        "length": len(sequence),
        "boxes": _digest([(told.round(3) + 0.0).tobytes()]),
        "images": _digest(images),
    }


def _image_bytes(sequence: Sequence, index: int) -> bytes:
    """A file as it lies there: decoders differ in the last bit from one machine to the next.

    An image that cannot be read is empty here: the tracker trips over it, and says so, in its turn.
    """
    frames = sequence.frames
    try:
        if isinstance(frames, NumberedImages):
            return (frames.folder / frames.name(index)).read_bytes()
        if isinstance(frames, ImageFiles):
            return frames.files[index].read_bytes()
        return np.ascontiguousarray(frames[index]).tobytes()
    except (InputError, OSError):
        return b""


def _digest(parts: list[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def as_json(card: Mapping[str, object]) -> dict[str, object]:
    """`card` as JSON gives it back: tuples are lists then."""
    return json.loads(json.dumps(card, sort_keys=True))


def read_card(folder: Path) -> dict[str, Any]:
    """The card in a folder of results, data included; empty if there is none."""
    path = folder / CARD
    if not path.is_file():
        return {}
    remedy = "delete the folder and run again"
    card = read_json(path, remedy)
    data = card.get(_DATA, {}) if isinstance(card, dict) else None
    keys = {"length", "boxes", "images"}
    whole = isinstance(data, dict) and all(
        isinstance(each, dict) and each.keys() >= keys for each in data.values()
    )
    if not whole:
        raise InputError(f"{path}: not the card of a run; {remedy}")
    return card


def configuration(card: Mapping[str, object]) -> dict[str, object]:
    """The part of a card that does not name the data."""
    return {key: value for key, value in card.items() if key != _DATA}


def check_reusable(
    folder: Path,
    layout: ResultLayout,
    card: dict[str, object],
    prints: Mapping[str, dict[str, object]],
) -> None:
    """Refuses a folder with results of another configuration, or of other data.

    Args:
        card: of the run to come.
        prints: `fingerprint` of each of its sequences, by name.
    """
    stored = read_card(folder)
    if any(layout.files(folder)) and configuration(stored) != card:
        changed = _differences(configuration(stored), card)
        raise InputError(
            f"{folder}: results of another configuration of {card['tracker']} ({changed}); "
            "--force replaces them, another --results keeps both"
        )
    for name, current in prints.items():
        reason = stale(folder, layout, stored, name, current)
        if reason:
            path = layout.boxes(folder, name)
            raise InputError(f"{path}: {reason}; --force replaces it, another --results keeps both")


def stale(
    folder: Path,
    layout: ResultLayout,
    card: dict[str, Any],
    name: str,
    current: dict[str, object],
) -> str:
    """Why the stored result of a sequence is not one of the data at hand; empty if it is.

    Args:
        card: of the folder, as `read_card` gives it.
        current: `fingerprint` of the sequence at hand.
    """
    if not layout.repetitions(folder, name):
        return ""
    then = card.get(_DATA, {}).get(name)
    if then is None:
        return f"{CARD} does not say on which data"
    if then["length"] != current["length"]:
        return f"{then['length']} boxes for a sequence of {current['length']} frames"
    if then["boxes"] != current["boxes"]:
        return "starts from another box than this sequence, or is told other boxes later"
    if then["images"] != current["images"]:
        return "tracked on other images than this sequence's"
    return ""


def check_current(
    folder: Path,
    layout: ResultLayout,
    print_of: Callable[[str], dict[str, object]],
    names: Iterable[str],
) -> None:
    """Refuses a folder whose card says that a result is of other data than those at hand.

    Results without a card, or with one that names no data, are other people's: they count.

    Args:
        print_of: name of a sequence -> its `fingerprint`; asked only where there is a result.

    Raises:
        InputError: naming the first file that is stale.
    """
    card = read_card(folder)
    if _DATA not in card:
        return
    for name in names:
        if layout.repetitions(folder, name):
            reason = stale(folder, layout, card, name, print_of(name))
            if reason:
                path = layout.boxes(folder, name)
                raise InputError(f"{path}: {reason}; run it again with --force")


def open_folder(
    folder: Path,
    layout: ResultLayout,
    card: dict[str, object],
    prints: Mapping[str, dict[str, object]],
    *,
    force: bool,
) -> None:
    """Makes `folder` one of this configuration and these data.

    What another configuration has left there is deleted, and with `force` the results of the
    sequences in `prints`, too. Runs of other sequences may open the folder at the same time: each
    adds its own to the card.
    """
    with locked(folder, wait=True):
        stored = read_card(folder)
        known = stored.get(_DATA, {})
        if configuration(stored) != card:
            known = {}
            for path in layout.files(folder):
                path.unlink()
        if force:
            for name in prints:
                for repetition in layout.repetitions(folder, name):
                    layout.boxes(folder, name, repetition).unlink(missing_ok=True)
        whole = card | {_DATA: known | dict(prints)}
        write_text(folder / CARD, json.dumps(whole, indent=1, sort_keys=True) + "\n")


def _differences(old: dict[str, object], new: dict[str, object]) -> str:
    if not old:
        return f"no {CARD}"
    keys = [key for key in sorted(old | new) if old.get(key) != new.get(key)]
    return ", ".join(f"{key}: {old.get(key)} then, {new.get(key)} now" for key in keys)


@dataclass
class Trace:
    """What a tracker said of its own answers: why it failed begins here.

    Attributes:
        scores: a number a frame; NaN where the tracker was not asked.
        statuses: one a frame; empty there.
    """

    scores: Float[np.ndarray, "t"]
    statuses: list[str]

    @classmethod
    def of(cls, frames: int) -> "Trace":
        """One of so many frames, none of which was asked for."""
        return cls(np.full(frames, np.nan), [""] * frames)

    def note(self, frame: int, prediction: Prediction) -> None:
        """Writes down the answer to one frame."""
        self.scores[frame] = prediction.score
        self.statuses[frame] = prediction.status


def write_trace(path: Path, trace: Trace) -> None:
    """Writes frame, score and status, a row a frame, counted from 0."""
    table = pd.DataFrame({"score": trace.scores, "status": trace.statuses}).rename_axis("frame")
    write_text(path, table.to_csv(float_format="%.4f"))


def write_times(path: Path, seconds: Float[np.ndarray, "t"]) -> None:
    """Writes a frame's seconds a line; NaN where the tracker was not asked."""
    write_text(path, "".join(f"{each:.9f}\n" for each in seconds))


def fps(path: Path) -> float | None:
    """Frames per second in a file of times, the first frame left out; None without such a file."""
    seconds = read_rows(path, 1)[1:, 0] if path.is_file() else np.empty(0)
    return frames_per_second(seconds)


def frames_per_second(updates: Shaped[np.ndarray, "u"]) -> float | None:
    """Answers per second; None where there are none. NaN is no answer."""
    asked = updates[np.isfinite(updates)]
    return float(len(asked) / asked.sum()) if asked.sum() > 0 else None
