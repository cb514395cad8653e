"""What befalls data on their way: each is read all the same, or refused with file and remedy."""

import os
import shutil

import cv2
import numpy as np
import pytest

from cfkd_core import files
from cfkd_core.benchmarks.published import read_one_pass
from cfkd_core.datasets.readers import load_benchmark
from cfkd_core.datasets.readers.got10k import read_got10k
from cfkd_core.datasets.readers.otb import read_otb
from cfkd_core.datasets.readers.rows import read_names
from cfkd_core.datasets.readers.vot import read_vot
from cfkd_core.datasets.sequence import Sequence, read_image
from cfkd_core.datasets.stills import read_coco, read_voc
from cfkd_core.datasets.video import open_frames
from cfkd_core.errors import InputError

ROWS = "1,2,3,4\n5,6,7,8\n"


@pytest.fixture
def cat(tmp_path, write_images, write_text):
    """A sequence of two frames in OTB's layout."""
    write_images(tmp_path / "otb/cat/img", [1, 2], digits=4)
    write_text(tmp_path / "otb/cat/groundtruth_rect.txt", ROWS)
    return tmp_path / "otb/cat"


@pytest.mark.parametrize(
    "text",
    [
        ROWS.replace("\n", "\r\n"),
        ROWS.replace(",", "\t"),
        ROWS.replace(",", " \t "),
        "\ufeff" + ROWS,
        ROWS + "\n\n \n",
        ROWS.rstrip(),
        ROWS.replace("\n", "\r"),
    ],
    ids=["CRLF", "tabs", "mixed", "mark", "blank lines", "no last end", "old Mac"],
)
def test_text_as_other_systems_write_it(cat, text):
    (cat / "groundtruth_rect.txt").write_bytes(text.encode())
    (sequence,) = read_otb(cat.parent)
    np.testing.assert_array_equal(sequence.boxes, [[0, 1, 3, 4], [4, 5, 7, 8]])


def test_nan_is_an_absent_target(cat):
    (cat / "groundtruth_rect.txt").write_text("1,2,3,4\nNaN,nan,NAN,nan\n")
    (sequence,) = read_otb(cat.parent)
    assert np.isnan(sequence.boxes[1]).all()
    assert sequence.visible.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n", "2 frames in .* but 1 boxes in groundtruth_rect.txt; unpack"),
        (ROWS * 2, "2 frames in .* but 4 boxes"),
        ("1,2,3,4\n5,6,inf,8\n", "line 2: expected 4 numbers, got '5,6,inf,8'"),
        ("1,2,3,4\n5,6,1e999,8\n", "line 2: expected 4 numbers"),
        ("1;2;3;4\n5;6;7;8\n", "line 1: expected 4 numbers, got '1;2;3;4'"),
        (b"\xff\xfe1\x00,\x002\x00", "not a text file; unpack or write it anew"),
        (b"\0" * 40, "line 1: expected 4 numbers"),
    ],
)
def test_annotations_that_do_not_fit(cat, text, message):
    content = text if isinstance(text, bytes) else text.encode()
    (cat / "groundtruth_rect.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_otb(cat.parent)


def test_a_missing_frame(cat):
    (cat / "img/0002.png").unlink()
    with pytest.raises(InputError, match=r"1 frames in .*, but 2 boxes"):
        read_otb(cat.parent)


def test_a_frame_that_goes_while_it_is_tracked(cat):
    (sequence,) = read_otb(cat.parent)
    (cat / "img/0002.png").unlink()
    with pytest.raises(InputError, match=r"0002\.png: no such image"):
        sequence.frames[1]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_jpeg(tmp_path, share):
    """OpenCV gives half a picture with a grey lower part; that is no frame to track on."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = cv2.imencode(".jpg", noise)[1].tobytes()
    path = tmp_path / "1.jpg"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"1\.jpg: a JPEG that ends too soon; copy it again"):
        read_image(path)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4, 6), np.uint8), ((4, 6, 4), np.uint8), ((4, 6), np.uint16), ((4, 6, 3), np.uint16)],
    ids=["grey", "RGBA", "grey of 16 bits", "RGB of 16 bits"],
)
@pytest.mark.filterwarnings("ignore:.*images of 16 bits")
def test_images_of_other_kinds_become_rgb(tmp_path, shape, dtype):
    level = np.iinfo(dtype).max // 5  # 51 of 255
    image = np.full(shape, level, dtype)
    cv2.imwrite(str(tmp_path / "1.png"), image)
    frame = read_image(tmp_path / "1.png")
    assert (frame.shape, frame.dtype) == ((4, 6, 3), np.uint8)
    assert (frame == 51).all()


def test_images_of_one_pixel_and_of_8k(tmp_path):
    for size in ((1, 1), (4320, 7680)):
        cv2.imwrite(str(tmp_path / "1.bmp"), np.full((*size, 3), 9, np.uint8))
        assert read_image(tmp_path / "1.bmp").shape == (*size, 3)


def test_a_size_that_changes_midway(tmp_path):
    for number, width in ((1, 6), (2, 6), (3, 7)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((4, width, 3), np.uint8))
    message = r"3\.png: 7 x 4 px, but the first frame has 6 x 4; all frames of one video"
    with pytest.raises(InputError, match=message):
        list(open_frames(tmp_path))


@pytest.mark.parametrize("name", ["Köln", "猫と犬", "naïve cat 2", "emoji 🐈", "a" * 200])
def test_names_in_any_script(cat, name, tmp_path):
    shutil.move(cat, cat.parent / name)
    (sequence,) = read_otb(cat.parent)
    assert sequence.name == name
    assert sequence.frames[0].shape == (4, 4, 3)
    (tmp_path / "list.txt").write_text(f"{name}\n", encoding="utf-8")
    assert read_names(tmp_path / "list.txt") == [name]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/etc", "..\\b", "a\0b", "a\nb", "a" * 201, "\udcff"]
)
def test_a_sequence_is_called_as_a_file_can_be(name):
    with pytest.raises(InputError, match="cannot name a file of results"):
        Sequence(name, [np.zeros((4, 4, 3), np.uint8)], np.ones((1, 4)), np.ones(1, bool))


@pytest.mark.parametrize("reader", [read_vot, lambda root: read_got10k(root, "test")])
@pytest.mark.parametrize("name", ["../secret", "/etc", "..", "a/../../secret", "..\\secret"])
def test_a_list_that_leads_out_of_its_folder(tmp_path, write_text, reader, name):
    write_text(tmp_path / "root/list.txt", f"ants\n{name}\n")
    write_text(tmp_path / "secret/groundtruth.txt", "1,2,3,4\n")
    with pytest.raises(InputError, match=r"list\.txt, line 2: .* cannot name a folder here"):
        reader(tmp_path / "root")


@pytest.mark.parametrize("name", ["../../a.jpg", "/etc/a.jpg", "..\\a.jpg", ""])
def test_annotations_that_name_images_elsewhere(tmp_path, write_text, name):
    place = name.replace("\\", "\\\\")
    write_text(
        tmp_path / "instances.json",
        f'{{"images": [{{"id": 1, "file_name": "{place}"}}], "annotations": '
        '[{"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4]}]}',
    )
    with pytest.raises(InputError, match="leads out of the folder of images"):
        read_coco(tmp_path / "instances.json", tmp_path / "images")
    if name:  # an absent name is the file's own
        box = "<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
        write_text(
            tmp_path / "voc/a.xml",
            f"<a><filename>{name}</filename><object><bndbox>{box}</bndbox></object></a>",
        )
        with pytest.raises(InputError, match="leads out of the folder of images"):
            read_voc(tmp_path / "voc", tmp_path / "images")


@pytest.mark.parametrize(
    ("box", "message"),
    [("[1, 2, 3]", "annotation 1"), ("[NaN, 2, 3, 4]", "box"), ("[1, 2, 1e999, 4]", "box"),
     (f"[{10**400}, 2, 3, 4]", "annotation 1"), ('{"x": 1}', "annotation 1"),
     ("null", "annotation 1")],
)  # fmt: skip
def test_boxes_in_json_that_are_none(tmp_path, write_text, box, message):
    write_text(
        tmp_path / "i.json",
        '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": '
        f'[{{"id": 1, "image_id": 1, "bbox": {box}}}]}}',
    )
    with pytest.raises(InputError, match=message):
        read_coco(tmp_path / "i.json", tmp_path)


def test_json_without_end_and_xml_that_swells(tmp_path, write_text):
    write_text(tmp_path / "deep.json", "[" * 100_000)
    with pytest.raises(InputError, match=r"deep\.json: not a JSON file"):
        read_coco(tmp_path / "deep.json", tmp_path)
    entities = "".join(f"<!ENTITY e{i + 1} '{f'&e{i};' * 10}'>" for i in range(9))
    bomb = f"<!DOCTYPE a [<!ENTITY e0 'x'>{entities}]><a><filename>&e9;</filename></a>"
    write_text(tmp_path / "voc/a.xml", bomb)
    with pytest.raises(InputError, match="it declares entities"):
        read_voc(tmp_path / "voc", tmp_path)


def test_links_in_a_circle(cat, tmp_path):
    """A folder within itself is walked once, and a file that is its own link is none."""
    (cat / "again").symlink_to(cat.parent, target_is_directory=True)
    (sequence,) = read_otb(cat.parent)
    assert len(sequence) == 2
    results = tmp_path / "results"
    results.mkdir()
    (results / "a.txt").write_text(ROWS)
    (results / "up").symlink_to(results, target_is_directory=True)
    (results / "self.txt").symlink_to(results / "self.txt")
    assert list(read_one_pass(results)) == ["a"]
    (cat / "groundtruth_rect.txt").unlink()
    (cat / "groundtruth_rect.txt").symlink_to(cat / "groundtruth_rect.txt")
    with pytest.raises(InputError, match=r"groundtruth_rect\.txt: not a file, or a link to none"):
        read_otb(cat.parent)


def test_what_is_no_file_is_not_waited_for(cat):
    (cat / "groundtruth_rect.txt").unlink()
    os.mkfifo(cat / "groundtruth_rect.txt")
    with pytest.raises(InputError, match="not a file, or a link to none"):
        read_otb(cat.parent)


def test_a_huge_file_is_not_read(cat):
    """Sparse: it claims a terabyte, and takes no place."""
    os.truncate(cat / "groundtruth_rect.txt", 2**40)
    with pytest.raises(InputError, match=f"{2**40} bytes; .* at most {files.MOST_BYTES}"):
        read_otb(cat.parent)
    os.truncate(cat / "img/0001.png", 2**40)
    with pytest.raises(InputError, match=r"0001\.png: .* bytes; what it should be has at most"):
        read_image(cat / "img/0001.png")


def test_a_path_that_no_file_can_have(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        files.read_text(tmp_path / ("a" * 5000))
    with pytest.raises(InputError, match="no such folder"):
        load_benchmark("otb", tmp_path / "absent")
