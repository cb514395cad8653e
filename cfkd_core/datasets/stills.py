"""Photographs with boxes, as videos of one frame."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from cfkd_core.datasets.sequence import ImageFiles, Sequence
from cfkd_core.errors import InputError


def read_coco(annotations: Path, images: Path) -> list[Sequence]:
    """A sequence of one frame for each annotation of COCO's format, in the file's order.

    Annotations of a crowd, and those without an area, are left out. The name is the image's file
    and the annotation's number.

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
        files = {image["id"]: images / image["file_name"] for image in content["images"]}
        found = [
            (files[each["image_id"]], each["id"], np.array(each["bbox"], dtype=float))
            for each in content["annotations"]
            if _is_one_object(each)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{annotations}: not an annotation file of COCO's format ({error!r}); "
            "give the instances file"
        ) from None
    if not found:
        raise InputError(f"{annotations}: no box here but those of crowds; give another file")
    return [_still(file, number, box) for file, number, box in found]


def _read_json(path: Path) -> object:
    if not path.is_file():
        raise InputError(f"{path}: no such annotation file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path}: not a JSON file; unpack or write it anew") from None


def _is_one_object(annotation: dict) -> bool:
    width, height = annotation["bbox"][2:]
    return not annotation.get("iscrowd", 0) and width > 0 and height > 0


def read_voc(annotations: Path, images: Path) -> list[Sequence]:
    """A sequence of one frame for each object of Pascal VOC's format, by file and order in it.

    Objects marked `difficult` are left out: VOC's own rules do not count them, because they cannot
    be told without what is around them. The name is the image's file and the object's number,
    from 1, those left out included.

    Args:
        annotations: the folder of XML files, a file an image.
        images: the folder of the image files; those are looked for only when they are read.

    Raises:
        InputError: if a file is not of this format, or there is no object to use.

    Source: the development kit of VOC 2012: a box is xmin, ymin, xmax, ymax in px, counted
    from 1, and holds its last px.
    """
    files = sorted(annotations.glob("*.xml")) if annotations.is_dir() else []
    stills = [
        _still(images / name, number, box)
        for file in files
        for name, number, box in _read_voc_file(file)
    ]
    if not stills:
        raise InputError(f"{annotations}: no XML file of Pascal VOC's format with an object here")
    return stills


def _read_voc_file(path: Path) -> list[tuple[str, int, Float[np.ndarray, "4"]]]:
    """Image file, number and box of each object that is used."""
    try:
        root = ElementTree.parse(path).getroot()
        name = root.findtext("filename") or f"{path.stem}.jpg"
        objects = [
            (name.strip(), number, _voc_box(each))
            for number, each in enumerate(root.iter("object"), 1)
            if (each.findtext("difficult") or "0").strip() != "1"
        ]
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not an annotation of Pascal VOC's format ({error}); unpack it anew"
        ) from None
    return [each for each in objects if (each[2][2:] > 0).all()]


def _voc_box(annotated: ElementTree.Element) -> Float[np.ndarray, "4"]:
    left, top, right, bottom = (
        float(annotated.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return np.array([left - 1, top - 1, right - left + 1, bottom - top + 1])


def _still(file: Path, number: int, box: Float[np.ndarray, "4"]) -> Sequence:
    return Sequence(
        name=f"{file.stem}_{number}",
        frames=ImageFiles([file]),
        boxes=box[np.newaxis],
        visible=np.ones(1, dtype=bool),
    )
