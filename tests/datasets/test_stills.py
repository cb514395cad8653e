"""Photographs with boxes: what is read, what is left out, what is refused."""

import json

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.pairs import PairDataset, PairOptions, Source
from cfkd_core.datasets.stills import read_coco, read_voc
from cfkd_core.errors import InputError


def _annotation(number: int, box: list[float], **more) -> dict:
    return {"id": number, "image_id": 7, "bbox": box, **more}


def _write(tmp_path, annotations: list[dict]):
    image = np.zeros((6, 8, 3), np.uint8)
    image[2, 3] = (10, 20, 30)  # blue, green, red, as cv2 writes
    cv2.imwrite(str(tmp_path / "kite.png"), image)
    file = tmp_path / "instances.json"
    images = [{"id": 7, "file_name": "kite.png"}]
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    return file


def test_each_annotation_is_a_sequence_of_one_frame(tmp_path):
    annotations = [_annotation(1, [3, 2, 1, 1]), _annotation(2, [0.5, 1.5, 2.25, 4], iscrowd=0)]
    first, second = read_coco(_write(tmp_path, annotations), tmp_path)
    assert (first.name, second.name) == ("kite_1", "kite_2")
    assert (len(first), first.visible.tolist(), first.origin) == (1, [True], 0)
    np.testing.assert_array_equal(second.boxes, [[0.5, 1.5, 2.25, 4]])
    np.testing.assert_array_equal(first.frames[0][2, 3], [30, 20, 10])


def test_crowds_and_boxes_without_area_are_left_out(tmp_path):
    annotations = [
        _annotation(1, [0, 0, 5, 5], iscrowd=1),
        _annotation(2, [0, 0, 0, 5]),
        _annotation(3, [0, 0, 5, 5], iscrowd=0),
    ]
    (still,) = read_coco(_write(tmp_path, annotations), tmp_path)
    assert still.name == "kite_3"
    with pytest.raises(InputError, match="no box"):
        read_coco(_write(tmp_path, annotations[:2]), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON file"),
        ("[]", "not an annotation file"),
        ('{"images": []}', "'annotations'"),
        ('{"images": [], "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4]}]}', "7"),
        ('{"images": [], "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3]}]}', "unpack"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, message):
    file = tmp_path / "instances.json"
    file.write_text(text)
    with pytest.raises(InputError, match=rf"instances\.json.*{message}"):
        read_coco(file, tmp_path)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such annotation file"):
        read_coco(tmp_path / "instances.json", tmp_path)


OBJECT = """<object><name>dog</name>{more}<part><bndbox><xmin>9</xmin></bndbox></part>
<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def _write_voc(folder, name, objects, more=""):
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "JPEGImages").mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "JPEGImages" / f"{name}.jpg"), np.full((6, 8, 3), 90, np.uint8))
    text = f"<annotation>{more}{''.join(objects)}</annotation>"
    (folder / "Annotations" / f"{name}.xml").write_text(text)


def _read_voc(folder):
    return read_voc(folder / "Annotations", folder / "JPEGImages")


def test_an_object_of_voc_counts_from_1_and_holds_its_last_pixel(tmp_path):
    objects = [OBJECT.format(1, 1, 8, 6, more=""), OBJECT.format(3, 4.0, 3, 5, more="")]
    _write_voc(tmp_path, "b", objects, "<filename>b.jpg</filename>")
    _write_voc(tmp_path, "a", objects[:1])
    first, whole, part = _read_voc(tmp_path)
    assert [each.name for each in (first, whole, part)] == ["a_1", "b_1", "b_2"]
    assert whole.boxes.tolist() == [[0, 0, 8, 6]]
    assert part.boxes.tolist() == [[2, 3, 1, 2]]
    assert part.frames[0].shape == (6, 8, 3)


def test_difficult_objects_are_left_out(tmp_path):
    objects = [
        OBJECT.format(1, 1, 8, 6, more="<difficult>1</difficult>"),
        OBJECT.format(3, 4, 3, 5, more="<difficult>0</difficult>"),
        OBJECT.format(3, 4, 2, 5, more=""),  # no width
    ]
    _write_voc(tmp_path, "a", objects)
    assert [each.name for each in _read_voc(tmp_path)] == ["a_2"]
    _write_voc(tmp_path, "a", objects[:1])
    with pytest.raises(InputError, match=r"no XML file .* with an object"):
        _read_voc(tmp_path)


@pytest.mark.parametrize(
    "text", ["<annotation>", OBJECT.format(1, 1, "x", 6, more=""), "<object/>"]
)
def test_another_xml_file_is_named(tmp_path, text):
    _write_voc(tmp_path, "a", [])
    (tmp_path / "Annotations" / "a.xml").write_text(f"<root>{text}</root>")
    with pytest.raises(InputError, match=r"a\.xml: not an annotation of Pascal VOC"):
        _read_voc(tmp_path)


def test_the_shared_stills_are_read_whole(shared):
    folder = shared / "data" / "stills"
    stills = read_coco(folder / "instances.json", folder / "images")
    assert len(stills) == 4089
    assert len({still.name for still in stills}) == len(stills)
    for still in stills[::500]:
        height, width, _ = still.frames[0].shape
        x, y, w, h = still.boxes[0]
        assert -1 <= x < x + w <= width + 1
        assert -1 <= y < y + h <= height + 1
    pair = PairDataset([Source("stills", stills)], 1, 0, PairOptions())[0]
    assert pair.search.isfinite().all()
