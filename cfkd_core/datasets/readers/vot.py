"""VOT's short-term challenges of 2018 and 2019: quadrangles around the target."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.datasets import regions
from cfkd_core.datasets.readers.images import all_images
from cfkd_core.datasets.readers.rows import read_lines, read_names, read_row
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError


def read_vot(root: Path) -> list[Sequence]:
    """Every sequence of a VOT challenge, in the order of `list.txt`, or else by name.

    A sequence is a folder with `groundtruth.txt` and images named 00000001.jpg and so on, in
    `color/` or beside it. A line has the corners of a quadrangle, or x,y,w,h, which stays a
    rectangle (`regions`). They count from 0, as VOT's Python toolkit does. A workspace of that
    toolkit, with its `sequences/`, is read too. Sequences of the list that have no folder are
    passed over.

    `boxes` is the rectangle around each region. A frame is visible where its region is finite.

    Raises:
        InputError: if a file of a sequence is missing or broken, or frames and regions differ in
            number; and if there is no sequence at all.

    Source: CFKD's code (danielism97/CFKD) for the rectangle around a region.
    """
    root = root / "sequences" if (root / "sequences").is_dir() else root
    folders = [root / name for name in _listed(root)]
    sequences = [_read_sequence(folder) for folder in folders if folder.is_dir()]
    if not sequences:
        raise InputError(
            f"{root}: no VOT sequences here; expected folders with groundtruth.txt and "
            "color/00000001.jpg, as data/README.md describes"
        )
    return sequences


def _listed(root: Path) -> list[str]:
    if (root / "list.txt").is_file():
        return read_names(root / "list.txt")
    return sorted(file.parent.name for file in root.glob("*/groundtruth.txt"))


def _read_sequence(folder: Path) -> Sequence:
    annotation = folder / "groundtruth.txt"
    annotated = read_regions(annotation)
    images = folder / "color" if (folder / "color").is_dir() else folder
    return Sequence(
        name=folder.name,
        frames=all_images(images, folder.name, len(annotated), annotation),
        boxes=regions.enclosing_boxes(annotated),
        visible=regions.are_known(annotated),
        regions=annotated,
    )


def read_regions(path: Path) -> Float[np.ndarray, "t 8"]:
    """The region in each line: eight numbers, or four and NaN behind them for a rectangle.

    Raises:
        InputError: naming file and line, if a line has other than four or eight numbers.
    """
    rows = [np.array(read_row(line, (4, 8), place)) for place, line in read_lines(path)]
    return np.stack([row if len(row) == 8 else regions.pad(row) for row in rows])
