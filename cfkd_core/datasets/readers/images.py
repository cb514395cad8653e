"""Folders of numbered images."""

import os
from pathlib import Path

from cfkd_core.datasets.sequence import NumberedImages
from cfkd_core.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


def find_images(folder: Path, sequence: str) -> dict[int, str]:
    """Frame number -> name of its file, in order; files of another kind are passed over.

    Raises:
        InputError: naming the sequence, if there is no such folder, or two files are one frame.
    """
    if not folder.is_dir():
        raise InputError(
            f"sequence {sequence}: no folder {folder}; unpack the sequence's images there"
        )
    numbered: dict[int, str] = {}
    for name in sorted(os.listdir(folder)):
        stem, suffix = os.path.splitext(name)
        if stem.isdecimal() and suffix.lower() in SUFFIXES:
            other = numbered.setdefault(int(stem), name)
            if other != name:
                raise InputError(
                    f"sequence {sequence}: {folder} holds {other} and {name}, which are one frame; "
                    "move the other files away"
                )
    return dict(sorted(numbered.items()))


def span_images(folder: Path, sequence: str, first: int, count: int) -> NumberedImages:
    """`count` frames from number `first` on, all of which are there.

    Raises:
        InputError: naming the first file that is missing.
    """
    return _span(find_images(folder, sequence), folder, sequence, first, count)


def _span(
    images: dict[int, str], folder: Path, sequence: str, first: int, count: int
) -> NumberedImages:
    if not images:
        raise InputError(f"sequence {sequence}: no image in {folder}; unpack the sequence anew")
    stem, suffix = os.path.splitext(min(images.values(), key=len))
    frames = NumberedImages(folder, len(stem), suffix, first, count)
    there = set(images.values())
    lacking = [name for name in map(frames.name, range(count)) if name not in there]
    if lacking:
        raise InputError(
            f"sequence {sequence}: no {folder / lacking[0]}, {count - len(lacking)} of {count} "
            "frames are there; unpack the sequence anew"
        )
    return frames


def all_images(folder: Path, sequence: str, count: int, annotation: Path) -> NumberedImages:
    """Every image of a folder, `count` in all.

    Args:
        annotation: the file that says `count`; it is named where the two differ.

    Raises:
        InputError: if there are more or fewer, or a number is left out between.
    """
    images = find_images(folder, sequence)
    if len(images) != count:
        raise InputError(
            f"sequence {sequence}: {len(images)} frames in {folder}, but {count} boxes in "
            f"{annotation.name}; unpack the sequence anew, frames or lines are missing"
        )
    return _span(images, folder, sequence, min(images), count)
