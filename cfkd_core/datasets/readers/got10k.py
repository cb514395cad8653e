"""GOT-10k: 10,000 videos of many classes, with marks for absence and the share that shows."""

import configparser
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from cfkd_core.datasets.readers.images import all_images, find_images
from cfkd_core.datasets.readers.rows import read_flags, read_names, read_rows
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError

SPLITS = ("train", "val", "test")


def read_got10k(root: Path, split: str) -> list[Sequence]:
    """The sequences of a split that are there, in the order of `list.txt`, or else by name.

    `<root>/<split>` (or `root` itself) holds a folder for each, with 00000001.jpg and so on,
    `groundtruth.txt` (x,y,w,h a line), `absence.label`, `cover.label` and `meta_info.ini`. The
    test split has one box a sequence and no labels.

    A frame is visible where the box has an area, the target is not marked absent, and its
    `cover`, from 0 to 8 eighths, is not 0. The attributes are the classes of object and motion.

    Raises:
        InputError: if a file of a sequence is missing or broken; and if there is no sequence.

    Source: the data set's own description, http://got-10k.aitestunion.com.
    """
    folder = root / split if (root / split).is_dir() else root
    folders = [folder / name for name in listed(folder)]
    sequences = [_read_sequence(each, split) for each in folders if each.is_dir()]
    if not sequences:
        raise InputError(
            f"{folder}: no GOT-10k sequences here; expected {split}/GOT-10k_*/ with images and "
            "groundtruth.txt, as data/README.md describes"
        )
    return sequences


def listed(folder: Path) -> list[str]:
    """The names in `list.txt`, or those of the folders with an annotation."""
    if (folder / "list.txt").is_file():
        return read_names(folder / "list.txt")
    return sorted(file.parent.name for file in folder.glob("*/groundtruth.txt"))


def _read_sequence(folder: Path, split: str) -> Sequence:
    name, annotation = folder.name, folder / "groundtruth.txt"
    boxes = read_rows(annotation, 4)
    if split == "test" and len(boxes) == 1:
        rest = len(find_images(folder, name)) - 1
        boxes = np.concatenate([boxes, np.full((max(rest, 0), 4), np.nan)])
    visible = np.all(boxes[:, 2:] > 0, axis=1)
    if split != "test":
        visible &= _shown(folder, len(boxes))
    return Sequence(
        name=name,
        frames=all_images(folder, name, len(boxes), annotation),
        boxes=boxes,
        visible=visible,
        attributes=_classes(folder / "meta_info.ini"),
    )


def _shown(folder: Path, count: int) -> Bool[np.ndarray, "{count}"]:
    absent = read_flags(folder / "absence.label", count)
    cover: Float[np.ndarray, "n 1"] = read_rows(folder / "cover.label", 1)
    if len(cover) != count:
        raise InputError(
            f"{folder / 'cover.label'}: {len(cover)} lines for {count} boxes; unpack it anew"
        )
    return ~absent & (cover[:, 0] > 0)


def _classes(path: Path) -> frozenset[str]:
    """Of the object and its motion; none where the file or an entry is missing."""
    meta = configparser.ConfigParser(interpolation=None)
    try:
        meta.read(path, encoding="utf-8-sig")
    except (configparser.Error, UnicodeDecodeError):
        raise InputError(f"{path}: not a file of settings; unpack it anew") from None
    keys = ("object_class", "motion_class")
    found = (meta.get("METAINFO", key, fallback="").strip() for key in keys)
    return frozenset(filter(None, found))
