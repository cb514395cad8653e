"""DAVIS: videos with a mask for each object; the boxes are those around the masks."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float, Integer

from cfkd_core.datasets.readers.images import find_images
from cfkd_core.datasets.sequence import MOST_IMAGE_BYTES, ImageFiles, Sequence, decode_image
from cfkd_core.errors import InputError
from cfkd_core.files import read_bytes

# White's number: it marks the one object of DAVIS 2016.
WHITE = 0xFFFFFF


def read_davis(root: Path, only: frozenset[str] | None = None) -> list[Sequence]:
    """A sequence for each object of each video that is there, sorted by name.

    `root` holds `JPEGImages/480p/<video>/00000.jpg` and so on, and a mask for each frame in
    `Annotations/480p/<video>/00000.png`. A video with several objects gives as many sequences,
    `dogs-jump.1`, `dogs-jump.2`, …. A sequence begins with the first frame that shows its object.
    Where a mask lacks the object it is absent: NaN, not visible. All masks are decoded here.

    Args:
        only: videos to read, such as the 30 of the validation set of 2017; the others are passed
            over.

    Raises:
        InputError: if a video has not one mask a frame, or no object; and if there is no video.
    """
    images, masks = (_resolution(root / kind) for kind in ("JPEGImages", "Annotations"))
    there = {path.name for path in masks.iterdir()} if masks.is_dir() else set()
    wanted = there if only is None else there & only
    videos = sorted(name for name in wanted if (images / name).is_dir() and (masks / name).is_dir())
    if not videos:
        raise InputError(
            f"{root}: no DAVIS videos here; expected JPEGImages/480p/*/ and Annotations/480p/*/, "
            "as data/README.md describes"
        )
    return [sequence for name in videos for sequence in _read_video(images / name, masks / name)]


def _resolution(folder: Path) -> Path:
    """The 480p images, or what there is instead, such as the full resolution."""
    if (folder / "480p").is_dir() or not folder.is_dir():
        return folder / "480p"
    return min((path for path in folder.iterdir() if path.is_dir()), default=folder / "480p")


def _read_video(images: Path, masks: Path) -> list[Sequence]:
    name = images.name
    frames, annotated = find_images(images, name), find_images(masks, name)
    lacking = sorted(frames.keys() ^ annotated.keys())
    if lacking:
        raise InputError(
            f"sequence {name}: frame {lacking[0]} is missing in {images} or in {masks}, and "
            f"{len(lacking) - 1} more; unpack the video anew"
        )
    labels = [mask_boxes(read_mask(masks / file)) for file in annotated.values()]
    objects = sorted({number for boxes in labels for number in boxes})
    if not objects:
        raise InputError(f"sequence {name}: no object in the masks of {masks}")
    sequences = []
    for number in objects:
        first = next(t for t, boxes in enumerate(labels) if number in boxes)
        found = np.array([boxes.get(number, np.full(4, np.nan)) for boxes in labels[first:]])
        sequences.append(
            Sequence(
                name=name if len(objects) == 1 else f"{name}.{number}",
                frames=ImageFiles([images / file for file in list(frames.values())[first:]]),
                boxes=found,
                visible=np.isfinite(found).all(axis=1),
            )
        )
    return sequences


def mask_boxes(mask: Integer[np.ndarray, "h w"]) -> dict[int, Float[np.ndarray, "4"]]:
    """Object number -> the box around its px; 0 is the ground."""
    boxes = {}
    # pandas finds them without sorting 400,000 px
    for number in sorted(pd.unique(mask.ravel()).tolist()):
        if number == 0:
            continue
        rows, columns = (np.flatnonzero((mask == number).any(axis=axis)) for axis in (1, 0))
        left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        boxes[number] = np.array([left, top, right - left, bottom - top], dtype=np.float64)
    return boxes


def read_mask(path: Path) -> Integer[np.ndarray, "h w"]:
    """Object numbers of an image that has them as grey levels, or as colours of VOC's palette.

    That palette deals the bits of a number out to red, green and blue in turn, each from its
    highest bit down. Dealing them back gives every colour a number of its own, so masks of other
    colours are told apart too.

    Raises:
        InputError: if the file cannot be decoded.

    Source: the colour map of Pascal VOC's development kit, which DAVIS uses.
    """
    content = read_bytes(path, MOST_IMAGE_BYTES)
    image = decode_image(content, cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8:
        raise InputError(f"{path}: cannot be decoded as a mask; is it damaged?")
    if image.ndim == 2:
        return np.where(image == 255, 1, image.astype(np.int64))
    blue, green, red = (_SPREAD[image[..., channel]] for channel in range(3))
    numbers = red | green << 1 | blue << 2
    return np.where(numbers == WHITE, 1, numbers)


# Each level's bits, three places apart and in reverse: where VOC's palette takes them from.
_PLACES = np.arange(8)[:, None]
_SPREAD = (((np.arange(256) >> (7 - _PLACES)) & 1) << (3 * _PLACES)).sum(axis=0)
