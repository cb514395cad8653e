"""Benchmarks on disk, one function each: `load_benchmark` finds them by name."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.datasets.sequence import ImageFiles, Sequence
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError
from cfkd_core.paths import DATA

ROOT_VARIABLE = "CFKD_DATA"

# First and last frame number that the OTB toolkit uses where they are not those of the folder.
# Tiger1's annotation starts at frame 1, but the toolkit leaves the first five frames out.
# Source: configSeqs.m and initOmit of tracker_benchmark v1.1.
OTB_SPANS = {
    "BlurCar1": (247, 988),
    "BlurCar3": (3, 359),
    "BlurCar4": (18, 397),
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
    "Tiger1": (6, 354),
}

# Annotated on disk, but not among the 100: the toolkit follows Human4's second target only.
OTB_UNUSED = frozenset({"Human4.1"})


def read_otb(root: Path, origin: int = 1) -> list[Sequence]:
    """Every sequence in a folder of OTB's layout, sorted by name.

    The layout is `<root>/<sequence>/img/*.jpg` and `groundtruth_rect.txt`, x,y,w,h a line, counted
    from 1, delimited by commas, tabs or spaces. A folder with `groundtruth_rect.1.txt` and
    `.2.txt` holds two sequences, `Jogging.1` and `Jogging.2`. Folders of another kind are passed
    over. Frames outside the toolkit's span (`OTB_SPANS`) are left out where the folder still has
    the original numbering; a folder renumbered from 1 is taken as it is.

    A frame is visible where all four published numbers are positive, as in OTB's toolkit: ten
    frames of OTB-100 whose box touches the left or top border count as invalid.

    Args:
        origin: number of the first pixel in the annotation: 1 in OTB, 0 in the training videos
            that share its layout. There, a box at the border is visible.

    Raises:
        InputError: if a folder has no `img`, frames and boxes differ in number, or a line of the
            annotation is not four numbers; and if there is no sequence at all.
    """
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    sequences = [
        _read_otb_sequence(annotation, _otb_name(annotation), origin)
        for folder in folders
        for annotation in _otb_annotations(folder)
        if _otb_name(annotation) not in OTB_UNUSED
    ]
    if not sequences:
        raise InputError(
            f"{root}: no OTB sequences here; expected folders with img/*.jpg and "
            "groundtruth_rect.txt, as data/README.md describes"
        )
    return sequences


def _otb_annotations(folder: Path) -> list[Path]:
    annotations = sorted(folder.glob("groundtruth_rect*.txt"))
    if not annotations and (folder / "img").is_dir():
        raise InputError(
            f"sequence {folder.name}: no groundtruth_rect.txt in {folder}; unpack the sequence anew"
        )
    return annotations


def _otb_name(annotation: Path) -> str:
    """`Jogging.2` for `Jogging/groundtruth_rect.2.txt`."""
    return annotation.parent.name + annotation.stem.removeprefix("groundtruth_rect")


def _read_otb_sequence(annotation: Path, name: str, origin: int) -> Sequence:
    folder = annotation.parent
    numbered = _numbered_images(folder / "img", name)
    published = read_rows(annotation, 4)
    used = _in_span(list(numbered), OTB_SPANS.get(name))
    if len(published) == len(numbered):
        published = published[used]
    files = [file for file, use in zip(numbered.values(), used, strict=True) if use]
    if len(files) != len(published):
        raise InputError(
            f"sequence {name}: {len(files)} frames in {folder / 'img'}, but {len(published)} boxes "
            f"in {annotation.name}; unpack the sequence anew, frames or lines are missing"
        )
    return Sequence(
        name=name,
        frames=ImageFiles(files),
        boxes=published - [origin, origin, 0, 0],
        visible=(published > [origin - 1, origin - 1, 0, 0]).all(axis=1),
        attributes=_otb_attributes().get(name, frozenset()),
        origin=origin,
    )


def _numbered_images(folder: Path, name: str) -> dict[int, Path]:
    """Frame number -> file, in order; names have four digits, five in Board."""
    if not folder.is_dir():
        raise InputError(f"sequence {name}: no folder {folder}; unpack the sequence's images there")
    files = (file for file in folder.iterdir() if file.suffix.lower() in {".jpg", ".jpeg", ".png"})
    numbered = {int(file.stem): file for file in files if file.stem.isdecimal()}
    return dict(sorted(numbered.items()))


def _in_span(numbers: list[int], span: tuple[int, int] | None) -> np.ndarray:
    """Which frames the toolkit uses; all of them unless `numbers` holds the span's both ends."""
    frames = np.array(numbers, dtype=int)
    if span is None or not np.isin(span, frames).all():
        return np.ones(len(frames), dtype=bool)
    return (span[0] <= frames) & (frames <= span[1])


def read_rows(path: Path, columns: int) -> Float[np.ndarray, "t {columns}"]:
    """`columns` numbers a line; commas, tabs and spaces all delimit, and NaN is a number.

    Windows line ends, a byte order mark and blank lines at the end are no matter.

    Raises:
        InputError: naming file and line, if a line is something else, or there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; unpack or write it anew") from None
    if not lines:
        raise InputError(f"{path}: empty; unpack or write it anew")
    rows = [_read_row(line, columns, f"{path}, line {i}") for i, line in enumerate(lines, 1)]
    return np.array(rows)


def _read_row(line: str, columns: int, place: str) -> list[float]:
    try:
        row = [float(number) for number in re.split(r"[,\s]+", line.strip())]
    except ValueError:
        row = []
    if len(row) != columns:
        raise InputError(f"{place}: expected {columns} numbers, got {line.strip()[:60]!r}")
    return row


def _otb_attributes() -> dict[str, frozenset[str]]:
    labels = json.loads((DATA / "otb100_attributes.json").read_text(encoding="utf-8"))
    return {name: frozenset(codes) for name, codes in labels.items()}


@dataclass(frozen=True)
class Benchmark:
    """Where the files of one benchmark are, and what reads them.

    Attributes:
        read: folder -> sequences.
        folder: its name under the folder that `CFKD_DATA` names.
        home: where people get it.
    """

    read: Callable[[Path], list[Sequence]]
    folder: str
    home: str

    def find(self, root: Path | None) -> Path:
        """`root`, or else this benchmark's folder under `CFKD_DATA`."""
        if root is None and ROOT_VARIABLE in os.environ:
            root = Path(os.environ[ROOT_VARIABLE]) / self.folder
        if root is None:
            raise InputError(
                f"benchmark {self.folder} needs its files: pass --root DIR, or set {ROOT_VARIABLE} "
                f"to the folder that holds {self.folder}/; get them from {self.home}"
            )
        if not root.is_dir():
            raise InputError(f"{root}: no such folder; get {self.folder} from {self.home}")
        return root


READERS = {
    "otb": Benchmark(read_otb, "otb", "http://cvlab.hanyang.ac.kr/tracker_benchmark/datasets.html"),
}
BENCHMARKS = ("synthetic", *READERS)


def load_benchmark(name: str, root: Path | None = None) -> list[Sequence]:
    """The sequences of one of `BENCHMARKS`.

    Args:
        root: folder of the benchmark's files; without it `CFKD_DATA` says where they are.
            The synthetic benchmark has no files and takes none.

    Raises:
        InputError: if the name is unknown, or the files are missing or broken.
    """
    if name not in BENCHMARKS:
        raise InputError(f"benchmark {name!r} is unknown; choose from {', '.join(BENCHMARKS)}")
    if name == "synthetic":
        if root is not None:
            raise InputError(f"benchmark synthetic is rendered, not read; leave out --root {root}")
        return synthetic_sequences()
    benchmark = READERS[name]
    return benchmark.read(benchmark.find(root))
