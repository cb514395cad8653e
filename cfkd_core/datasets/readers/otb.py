"""OTB-100: folders of images beside a text file, and the toolkit's exceptions."""

import functools
import json
import re
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cfkd_core.datasets.readers.images import find_images
from cfkd_core.datasets.readers.rows import read_rows
from cfkd_core.datasets.sequence import ImageFiles, Sequence
from cfkd_core.errors import InputError
from cfkd_core.paths import DATA

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
    sequences = [each for folder in folders for each in read_folder(folder, origin)]
    if not sequences:
        raise InputError(
            f"{root}: no OTB sequences here; expected folders with img/*.jpg and "
            "groundtruth_rect.txt, as data/README.md describes"
        )
    return sequences


def read_folder(folder: Path, origin: int = 1) -> list[Sequence]:
    """The sequences in one folder of `read_otb`'s layout; none in one of another kind."""
    return [
        _read_otb_sequence(annotation, _otb_name(annotation), origin)
        for annotation in _otb_annotations(folder)
        if _otb_name(annotation) not in OTB_UNUSED
    ]


def _otb_annotations(folder: Path) -> list[Path]:
    annotations = sorted(folder.glob("groundtruth_rect*.txt"))
    if not annotations and (folder / "img").is_dir():
        raise InputError(
            f"sequence {folder.name}: no groundtruth_rect.txt in {folder}; unpack the sequence anew"
        )
    return annotations


def _otb_name(annotation: Path) -> str:
    """`Jogging.2` for `Jogging/groundtruth_rect.2.txt`, and in a folder `Jogging-2` or `_2`."""
    name = annotation.parent.name + annotation.stem.removeprefix("groundtruth_rect")
    dotted = re.sub(r"[-_](\d)$", r".\1", name)
    return dotted if dotted in read_attributes() else name


def _read_otb_sequence(annotation: Path, name: str, origin: int) -> Sequence:
    folder = annotation.parent
    published = read_rows(annotation, 4)
    images = folder / "img"
    numbered = find_images(images, name)
    used = _in_span(list(numbered), OTB_SPANS.get(name))
    if len(published) == len(numbered):
        published = published[used]
    files = [images / file for file, use in zip(numbered.values(), used, strict=True) if use]
    if len(files) != len(published):
        raise InputError(
            f"sequence {name}: {len(files)} frames in {images}, but {len(published)} boxes "
            f"in {annotation.name}; unpack the sequence anew, frames or lines are missing"
        )
    return Sequence(
        name=name,
        frames=ImageFiles(files),
        boxes=published - [origin, origin, 0, 0],
        visible=np.all(published > [origin - 1, origin - 1, 0, 0], axis=1),
        attributes=read_attributes().get(name, frozenset()),
        origin=origin,
    )


def _in_span(numbers: list[int], span: tuple[int, int] | None) -> Bool[np.ndarray, "t"]:
    """Which frames the toolkit uses; all of them unless `numbers` holds the span's both ends."""
    frames = np.array(numbers, dtype=int)
    if span is None or not np.isin(span, frames).all():
        return np.ones(len(frames), dtype=bool)
    return (span[0] <= frames) & (frames <= span[1])


@functools.cache
def read_attributes() -> dict[str, frozenset[str]]:
    """The challenges of each of the 100 sequences."""
    labels = json.loads((DATA / "otb100_attributes.json").read_text(encoding="utf-8"))
    return {name: frozenset(codes) for name, codes in labels.items()}
