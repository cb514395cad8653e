"""Photographs with boxes, as videos of one frame."""

import json
from pathlib import Path

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


def _still(file: Path, number: int, box: Float[np.ndarray, "4"]) -> Sequence:
    return Sequence(
        name=f"{file.stem}_{number}",
        frames=ImageFiles([file]),
        boxes=box[np.newaxis],
        visible=np.ones(1, dtype=bool),
    )
