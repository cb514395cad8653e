"""TrackingNet: videos in chunks, the test chunk annotated in its first frame only."""

from pathlib import Path

import numpy as np

from cfkd_core.datasets.readers.images import all_images, find_images
from cfkd_core.datasets.readers.rows import read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

TEST = ("TEST",)

# CFKD trains on the first eleven and validates on the last.
# Source: The original, exactly, section 4.
TRAINING = tuple(f"TRAIN_{number}" for number in range(11))


def read_trackingnet(root: Path, chunks: tuple[str, ...] = TEST) -> list[Sequence]:
    """Every sequence of some chunks whose frames are unpacked, sorted by name.

    A chunk is a folder with `anno/<sequence>.txt` (x,y,w,h a line) and `frames/<sequence>/0.jpg`
    and so on; `root` holds chunks, or is one itself. Annotations come before frames when the
    data set is downloaded, so those without a folder of frames are passed over; `named` has them.

    A frame is visible where its box has an area. Of the test chunk's only the first has a box.

    Args:
        chunks: folders to read; those that are absent are passed over. Without effect if `root`
            is a chunk.

    Raises:
        InputError: if frames and boxes of a sequence differ in number, and if there is no
            sequence at all.

    Source: The original, exactly, sections 4 and 6.1.
    """
    annotations = [file for file in _annotations(root, chunks) if _frames_folder(file).is_dir()]
    if not annotations:
        raise InputError(
            f"{root}: no TrackingNet sequences here; expected anno/ and frames/ in "
            f"{', '.join(chunks)}, as data/README.md describes"
        )
    return [_read_sequence(file) for file in annotations]


def named(root: Path) -> frozenset[str]:
    """The test sequences that have an annotation, unpacked or not."""
    return frozenset(file.stem for file in _annotations(root, TEST))


def _annotations(root: Path, chunks: tuple[str, ...]) -> list[Path]:
    folders = [root] if (root / "anno").is_dir() else [root / chunk for chunk in chunks]
    files = (file for folder in folders for file in (folder / "anno").glob("*.txt"))
    visible = (file for file in files if not file.name.startswith("."))
    return sorted(visible, key=lambda file: file.name)


def _frames_folder(annotation: Path) -> Path:
    return annotation.parents[1] / "frames" / annotation.stem


def _read_sequence(annotation: Path) -> Sequence:
    name, folder = annotation.stem, _frames_folder(annotation)
    boxes = read_rows(annotation, 4)
    if annotation.parents[1].name in TEST and len(boxes) == 1:
        rest = len(find_images(folder, name)) - 1
        boxes = np.concatenate([boxes, np.full((max(rest, 0), 4), np.nan)])
    return Sequence(
        name=name,
        frames=all_images(folder, name, len(boxes), annotation),
        boxes=boxes,
        visible=np.all(boxes[:, 2:] > 0, axis=1),
    )
