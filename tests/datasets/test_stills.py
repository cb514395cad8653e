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
        (
            '{"images": [], "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3]}]}',
            "annotation 1: box",
        ),
        ('{"images": [], "annotations": [{"id": 1, "bbox": []}]}', r"1: box \[\]: expected four"),
        ('{"images": [], "annotations": [{"id": 9, "bbox": "1,2"}]}', "annotation 9: .*mend or"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, message):
    file = tmp_path / "instances.json"
    file.write_text(text)
    with pytest.raises(InputError, match=rf"instances\.json.*{message}"):
        read_coco(file, tmp_path)


def turned(path, orientation):
    """A JPEG of 12 x 20 px whose camera says how to turn it."""
    _, encoded = cv2.imencode(".jpg", np.tile(np.arange(0, 240, 20, np.uint8), (20, 1)))
    tag = b"MM\0*\0\0\0\x08" + b"\0\1" + b"\1\x12\0\3\0\0\0\1\0" + bytes([orientation]) + b"\0\0"
    note = b"Exif\0\0" + tag + b"\0\0\0\0"
    segment = b"\xff\xe1" + (len(note) + 2).to_bytes(2, "big") + note
    content = encoded.tobytes()
    path.write_bytes(content[:2] + segment + content[2:])


def write_coco(tmp_path, name, size):
    width, height = size
    images = [{"id": 7, "file_name": name, "width": width, "height": height}]
    content = {"images": images, "annotations": [_annotation(1, [3, 2, 4, 5])]}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return read_coco(tmp_path / "instances.json", tmp_path)[0]


@pytest.mark.parametrize("size", [(12, 20), (20, 12), (0, 0), (None, None)])
def test_a_turned_photograph_is_read_as_it_was_annotated(tmp_path, size):
    """The annotation's size says whether the turn was followed; else it is."""
    turned(tmp_path / "kite.jpg", orientation=6)
    frame = write_coco(tmp_path, "kite.jpg", size).frames[0]
    width, height = size if size[0] else (20, 12)
    assert frame.shape == (height, width, 3)
    # grey grows to the right in the file, and downwards once it is turned
    first, last = (frame[:, 0], frame[:, -1]) if width == 12 else (frame[0], frame[-1])
    assert first.mean() < 20
    assert last.mean() > 200


def resized(path):
    """Half as large as it was, on each side."""
    image = cv2.imread(str(path))
    cv2.imwrite(str(path), image[::2, ::2])


def test_a_picture_of_another_size_than_its_annotation_is_refused(tmp_path):
    turned(tmp_path / "kite.jpg", orientation=1)
    still = write_coco(tmp_path, "kite.jpg", (12, 20))
    resized(tmp_path / "kite.jpg")
    with pytest.raises(InputError, match=r"kite\.jpg: 6 x 10 px, but .* is of 12 x 20; annotate"):
        still.frames[0]


def test_pictures_that_do_not_fit_are_not_trained_on(tmp_path):
    turned(tmp_path / "kite.jpg", orientation=1)
    source = Source("resized", [write_coco(tmp_path, "kite.jpg", (12, 20))])
    resized(tmp_path / "kite.jpg")
    pairs = PairDataset([source], 8, 0, PairOptions())
    with (
        pytest.warns(UserWarning, match="6 x 10 px, but its annotation is of 12 x 20"),
        pytest.raises(InputError, match=r"training images are of no use.*kite\.jpg"),
    ):
        pairs[0]


def test_an_object_of_voc_must_fit_its_image_too(tmp_path):
    size = "<size><width>8</width><height>6</height><depth>3</depth></size>"
    _write_voc(tmp_path, "a", [OBJECT.format(1, 1, 8, 6, more="")], size)
    (still,) = _read_voc(tmp_path)
    resized(tmp_path / "JPEGImages/a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg: 4 x 3 px, but its annotation is of 8 x 6"):
        still.frames[0]


def test_a_name_of_voc_without_a_suffix_is_a_jpeg(tmp_path):
    _write_voc(
        tmp_path, "2008.01", [OBJECT.format(1, 1, 8, 6, more="")], "<filename>2008.01</filename>"
    )
    assert _read_voc(tmp_path)[0].frames[0].shape == (6, 8, 3)


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
