"""LaSOT: long videos, with marks for full occlusion and for leaving the view."""

from pathlib import Path

import numpy as np

from cfkd_core.datasets.readers.images import all_images, span_images
from cfkd_core.datasets.readers.rows import read_flags, read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

# The toolkit leaves the rest of this one out. Source: Benchmarks, exactly, section 1.2.
LENGTHS = {"monkey-17": 2260}


def read_lasot(root: Path, only: frozenset[str] | None = None) -> list[Sequence]:
    """Every sequence in a folder of LaSOT's layout, sorted by name.

    A sequence is `<class>-<number>/` with `img/00000001.jpg` and so on, `groundtruth.txt`
    (x,y,w,h a line, counted from 1), `full_occlusion.txt` and `out_of_view.txt`. It lies in
    `<root>` or in `<root>/<class>`.

    A frame is visible where neither mark is set, which is where the toolkit does not call it
    absent; a box without an area changes nothing, and is the protocol's business.

    Args:
        only: names to read, such as the 280 of the test set; the others are passed over.

    Raises:
        InputError: if a file of a sequence is missing, or frames, boxes and marks differ in
            number; and if there is no sequence at all.

    Source: The original, exactly, sections 4 and 6.1; Benchmarks, exactly, section 1.2.
    """
    folders = {folder.name: folder for folder in _sequence_folders(root)}
    wanted = folders.keys() if only is None else folders.keys() & only
    if not wanted:
        raise InputError(
            f"{root}: no LaSOT sequences here; expected <class>-<number>/ or "
            "<class>/<class>-<number>/ with img/ and groundtruth.txt, as data/README.md describes"
        )
    return [_read_sequence(folders[name]) for name in sorted(wanted)]


def names(root: Path) -> frozenset[str]:
    """The sequences in a folder of LaSOT's layout."""
    return frozenset(folder.name for folder in _sequence_folders(root))


def _sequence_folders(root: Path) -> list[Path]:
    """Folders with images or an annotation, in `root` and one level below."""
    if not root.is_dir():
        return []
    found = []
    for folder in (path for path in root.iterdir() if path.is_dir()):
        inside = [path for path in folder.iterdir() if path.is_dir() and path.name != "img"]
        found += [path for path in (folder, *inside) if _is_sequence(path)]
    return found


def _is_sequence(folder: Path) -> bool:
    return (folder / "groundtruth.txt").is_file() or (folder / "img").is_dir()


def _read_sequence(folder: Path) -> Sequence:
    name = folder.name
    published = read_rows(folder / "groundtruth.txt", 4)
    marks = [
        read_flags(folder / file, len(published))
        for file in ("full_occlusion.txt", "out_of_view.txt")
    ]
    length = min(len(published), LENGTHS.get(name, len(published)))
    if name in LENGTHS:
        frames = span_images(folder / "img", name, 1, length)
    else:
        frames = all_images(folder / "img", name, length, folder / "groundtruth.txt")
    visible = ~(marks[0] | marks[1])
    return Sequence(
        name=name,
        frames=frames,
        boxes=(published - np.array([1, 1, 0, 0]))[:length],
        visible=visible[:length],
        origin=1,
    )
