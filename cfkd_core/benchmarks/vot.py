"""One run of a tracker on one VOT sequence, with restarts, and the text format it is kept in.

A line is a region (x,y,w,h, or eight numbers of a quadrilateral; px, as the annotation counts
them) or a single number that says why there is none.

Source: votchallenge/vot-toolkit (6987d85), sequence/write_trajectory.cpp.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from cfkd_core.datasets.readers.rows import LARGEST, parse_numbers
from cfkd_core.datasets.regions import are_known
from cfkd_core.errors import InputError
from cfkd_core.files import read_text, write_text

TRACKED = -1
"""The frame has a region. In the file this code does not appear: the region stands there."""
SKIPPED = 0
"""After a failure nothing is tracked until the restart."""
INITIALISED = 1
"""The tracker was given the annotation of this frame."""
FAILED = 2
"""The tracker's region did not overlap the annotation."""

RESTART = 5
"""Frames from a failure to the next initialisation."""

VOT_TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")
"""What VOT's annotators marked in single frames."""

_RECTANGLE, _QUADRILATERAL = 4, 8


@dataclass(frozen=True)
class VotAnnotation:
    """What VOT says of a sequence; its frames are not needed to score.

    Attributes:
        regions: rectangles or quadrilaterals, px of the frame.
        size: width and height of the frames in px.
        tags: whether each frame has one of `VOT_TAGS`.
    """

    name: str
    regions: Float[np.ndarray, "t _"]
    size: tuple[int, int]
    tags: Mapping[str, Bool[np.ndarray, "t"]]


@dataclass(frozen=True)
class VotRun:
    """What a tracker answered in one pass with restarts.

    Attributes:
        regions: rectangles x, y, w, h, or eight columns of regions (`datasets.regions`); px of the
            frame. NaN where the code is not `TRACKED`.
        codes: `TRACKED`, `INITIALISED`, `FAILED` or `SKIPPED`.
    """

    regions: Float[np.ndarray, "t _"]
    codes: Int[np.ndarray, "t"]

    def __post_init__(self) -> None:
        if self.regions.shape[1] not in (_RECTANGLE, _QUADRILATERAL):
            raise InputError(f"regions of {self.regions.shape[1]} numbers; VOT has 4 or 8")
        if not np.isin(self.codes, (TRACKED, SKIPPED, INITIALISED, FAILED)).all():
            raise InputError(f"codes {sorted(set(self.codes.tolist()))}; VOT has -1, 0, 1 and 2")
        absent = np.isnan(self.regions).all(axis=1)
        if not np.where(self.tracked, are_known(self.regions), absent).all():
            raise InputError("a frame must have a region of finite numbers, or a code, not both")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def tracked(self) -> Bool[np.ndarray, "t"]:
        """Whether each frame has a region."""
        return self.codes == TRACKED

    @property
    def failures(self) -> Int[np.ndarray, "f"]:
        """Indices of the frames where the tracker failed."""
        return np.flatnonzero(self.codes == FAILED)


def write_run(path: Path, run: VotRun) -> None:
    """Writes one line a frame, so that `read_run` gives back the run to four decimals."""
    lines = [
        ",".join(f"{number:.4f}" for number in region[np.isfinite(region)])
        if code == TRACKED
        else str(code)
        for region, code in zip(run.regions, run.codes, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def read_run(path: Path) -> VotRun:
    """The run in a file of VOT's format.

    Raises:
        InputError: naming file and line, if the file is missing or not of the format.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such VOT result; run the tracker on this sequence first")
    return parse_run(read_text(path), str(path))


def parse_run(text: str, place: str) -> VotRun:
    """The run that a text of VOT's format holds; `place` names it in errors."""
    lines = text.rstrip().splitlines()
    if not lines:
        raise InputError(f"{place}: empty; unpack or write it anew")
    rows = [_parse_line(line, f"{place}, line {i}") for i, line in enumerate(lines, 1)]
    codes = np.array([int(row[0]) if len(row) == 1 else TRACKED for row in rows])
    width = max(_RECTANGLE, *map(len, rows))
    regions = np.full((len(rows), width), np.nan)
    for region, row in zip(regions, rows, strict=True):
        if len(row) > 1:
            region[: len(row)] = row
    if codes[0] != INITIALISED:
        raise InputError(
            f"{place}, line 1: a run with restarts begins with the code {INITIALISED}, not with "
            f"{lines[0].strip()[:60]!r}; boxes of one pass are scored with --experiment ope"
        )
    return VotRun(regions, codes)


def _parse_line(line: str, place: str) -> list[float]:
    row = parse_numbers(line.strip())
    is_code = len(row) == 1 and row[0] in (SKIPPED, INITIALISED, FAILED)
    # NaN is not below anything
    is_region = len(row) in (_RECTANGLE, _QUADRILATERAL) and all(
        abs(number) <= LARGEST for number in row
    )
    if not (is_code or is_region):
        raise InputError(
            f"{place}: expected a code 0, 1 or 2, or a region of 4 or 8 numbers, "
            f"got {line.strip()[:60]!r}"
        )
    return row
