"""Photographs with boxes, as videos of one frame."""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from cfkd_core import files
from cfkd_core.datasets.sequence import ImageFiles, Sequence
from cfkd_core.datasets.video import IMAGES
from cfkd_core.errors import InputError

MOST_BYTES = 2**30
"""Of an annotation: COCO's own of 2014 and 2017 have 0.5 GB."""

LARGEST = 1e9
"""In px: no image is so large."""


def read_coco(annotations: Path, images: Path) -> list[Sequence]:
    """A sequence of one frame for each annotation of COCO's format, in the file's order.

    Annotations of a crowd, and those without an area, are left out. The name is the image's file
    and the annotation's number. Images must have the size that the file declares for them.

    Args:
        annotations: `instances.json`, or COCO's `annotations/instances_train2014.json`.
        images: the folder of the image files; those are looked for only when they are read.

    Raises:
        InputError: if the file is missing, is not of this format, or holds no annotation to use.

    Source: COCO's description of its format, https://cocodataset.org/#format-data: a box is
    x, y, w, h in px, 0-based.
    """
    content = _read_json(annotations)
    try:
        pictures = {
            image["id"]: Picture(_inside(images, image["file_name"]), _declared_size(image))
            for image in content["images"]
        }
        found = [
            still
            for each in content["annotations"]
            if (still := _read_coco_annotation(each, pictures)) is not None
        ]
    except InputError as error:
        raise InputError(f"{annotations}: {error}") from None
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(
            f"{annotations}: not an annotation file of COCO's format ({error!r}); "
            "give the instances file"
        ) from None
    if not found:
        raise InputError(f"{annotations}: no box here but those of crowds; give another file")
    return found


class Picture(NamedTuple):
    """An image that an annotation describes.

    Attributes:
        size: width and height, px; None where the annotation does not say.
    """

    file: Path
    size: tuple[int, int] | None


def _declared_size(image: Mapping) -> tuple[int, int] | None:
    """Width and height, where both are given; 0 stands for unknown in some files."""
    size = int(image.get("width") or 0), int(image.get("height") or 0)
    return size if min(size) > 0 else None


def _read_coco_annotation(annotation: Mapping, pictures: Mapping) -> Sequence | None:
    """The annotated object; None for a crowd, and without an area.

    Raises:
        InputError: naming the annotation, if its box is none.
    """
    number = int(annotation["id"])
    try:
        box = _finite_box(annotation["bbox"])
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"annotation {number}: {error}; mend or delete it") from None
    if annotation.get("iscrowd", 0) or not (box[2:] > 0).all():
        return None
    return _still(pictures[annotation["image_id"]], number, box)


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such annotation file")
    return files.read_json(path, "unpack or write it anew", MOST_BYTES)


def _inside(images: Path, name: str) -> Path:
    """The file of that name in `images` or below.

    Raises:
        ValueError: if the name leads elsewhere.
    """
    parts = PurePath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or not parts.name:
        raise ValueError(f"image {name[:60]!r} leads out of the folder of images")
    return images / name


def _finite_box(numbers: object) -> Float[np.ndarray, "4"]:
    """A box of four finite numbers.

    Raises:
        ValueError: if they are not.
    """
    box = np.array(numbers, dtype=float)
    if box.shape != (4,) or not (np.abs(box) <= LARGEST).all():
        raise ValueError(f"box {str(numbers)[:60]}: expected four finite numbers")
    return box


def read_voc(annotations: Path, images: Path) -> list[Sequence]:
    """A sequence of one frame for each object of Pascal VOC's format, by file and order in it.

    Objects marked `difficult` are left out: VOC's own rules do not count them, because they cannot
    be told without what is around them. The name is the image's file and the object's number,
    from 1, those left out included. Images must have the size that their file declares.

    Args:
        annotations: the folder of XML files, a file an image.
        images: the folder of the image files; those are looked for only when they are read.

    Raises:
        InputError: if a file is not of this format, or there is no object to use.

    Source: the development kit of VOC 2012: a box is xmin, ymin, xmax, ymax in px, counted
    from 1, and holds its last px.
    """
    found = sorted(annotations.glob("*.xml")) if annotations.is_dir() else []
    stills = [still for file in found for still in _read_voc_file(file, images)]
    if not stills:
        raise InputError(f"{annotations}: no XML file of Pascal VOC's format with an object here")
    return stills


def _read_voc_file(path: Path, images: Path) -> list[Sequence]:
    """The objects that are used."""
    content = files.read_bytes(path)
    try:
        if b"<!ENTITY" in content:
            raise ValueError("it declares entities, which may swell without end")
        root = ElementTree.fromstring(content)
        declared = {side: root.findtext(f"size/{side}") for side in ("width", "height")}
        picture = Picture(_voc_image(root, path, images), _declared_size(declared))
        objects = [
            (number, _voc_box(each))
            for number, each in enumerate(root.iter("object"), 1)
            if (each.findtext("difficult") or "0").strip() != "1"
        ]
    except (ElementTree.ParseError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not an annotation of Pascal VOC's format ({error}); unpack it anew"
        ) from None
    return [_still(picture, number, box) for number, box in objects if (box[2:] > 0).all()]


def _voc_image(root: ElementTree.Element, path: Path, images: Path) -> Path:
    """The image's file: a JPEG where its name has no suffix, called as the XML where it has none.

    Raises:
        ValueError: if the name leads elsewhere.
    """
    file = _inside(images, (root.findtext("filename") or path.stem).strip())
    return file if file.suffix.lower() in IMAGES else file.with_name(f"{file.name}.jpg")


def _voc_box(annotated: ElementTree.Element) -> Float[np.ndarray, "4"]:
    left, top, right, bottom = (
        float(annotated.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return _finite_box([left - 1, top - 1, right - left + 1, bottom - top + 1])


def _still(picture: Picture, number: int, box: Float[np.ndarray, "4"]) -> Sequence:
    return Sequence(
        name=f"{picture.file.stem}_{number}",
        frames=ImageFiles([picture.file], picture.size),
        boxes=box[np.newaxis],
        visible=np.ones(1, dtype=bool),
    )
