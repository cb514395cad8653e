"""Sources of training pairs, seen by what lies in a folder."""

import json

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.pairs import PairDataset, PairOptions
from cfkd_core.datasets.sources import LAYOUTS, parse_source, read_source
from cfkd_core.errors import InputError


def _image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8, 3), 90, np.uint8))


def _text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _otb(root):
    _image(root / "Film/img/0001.png")
    _text(root / "Film/groundtruth_rect.txt", "1,2,3,4\n")


def _trackingnet(root):
    for chunk in ("TRAIN_0", "TRAIN_11"):
        _image(root / chunk / f"frames/{chunk}_a/0.png")
        _text(root / chunk / f"anno/{chunk}_a.txt", "1,2,3,4\n")


def _got10k(root):
    for split in ("train", "val"):
        folder = root / split / f"GOT-10k_{split}_000001"
        _image(folder / "00000001.png")
        _text(folder / "groundtruth.txt", "1,2,3,4\n")
        _text(folder / "absence.label", "0\n")
        _text(folder / "cover.label", "8\n")


def _lasot(root, names=("bear-1", "bear-2")):
    for name in names:  # bear-2 is a test sequence
        _image(root / "bear" / name / "img/00000001.png")
        _text(root / "bear" / name / "groundtruth.txt", "2,3,3,4\n")
        for marks in ("full_occlusion.txt", "out_of_view.txt"):
            _text(root / "bear" / name / marks, "0")


COCO = {
    "images": [{"id": 7, "file_name": "a.png"}],
    "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4]}],
}


def _stills(root):
    _image(root / "images/a.png")
    _text(root / "instances.json", json.dumps(COCO))


def _coco(root):
    _image(root / "train2014/a.png")
    _text(root / "annotations/instances_train2014.json", json.dumps(COCO))


def _voc(root):
    _image(root / "JPEGImages/a.jpg")
    box = "<xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax>"
    _text(root / "Annotations/a.xml", f"<a><object><bndbox>{box}</bndbox></object></a>")


def _davis(root):
    _image(root / "JPEGImages/480p/cow/00000.png")
    _image(root / "Annotations/480p/cow/00000.png")
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 1:4] = 1
    cv2.imwrite(str(root / "Annotations/480p/cow/00000.png"), mask)


def _own(root):
    _image(root / "clip/a.png")
    _text(root / "clip.csv", "x,y,w,h\n1,2,3,4\n")


MADE = {
    "OTB": (_otb, "Film", [0, 1, 3, 4]),
    "TrackingNet": (_trackingnet, "TRAIN_0_a", [1, 2, 3, 4]),
    "GOT-10k": (_got10k, "GOT-10k_train_000001", [1, 2, 3, 4]),
    "LaSOT": (_lasot, "bear-1", [1, 2, 3, 4]),
    "COCO, a folder": (_stills, "a_1", [1, 2, 3, 4]),
    "COCO": (_coco, "a_1", [1, 2, 3, 4]),
    "Pascal VOC": (_voc, "a_1", [1, 2, 3, 4]),
    "DAVIS": (_davis, "cow", [1, 2, 3, 4]),
    "your own videos": (_own, "clip", [1, 2, 3, 4]),
}


@pytest.mark.parametrize("layout", MADE)
def test_each_layout_is_seen_and_only_its_training_part_read(tmp_path, layout):
    make, name, box = MADE[layout]
    make(tmp_path)
    source = read_source(tmp_path, 0.5)
    (sequence,) = source.sequences
    assert (sequence.name, sequence.boxes[0].tolist()) == (name, box)
    assert (source.name, source.weight) == (f"{tmp_path.parent.name}/{tmp_path.name}", 0.5)
    assert sequence.frames[0].shape == (8, 8, 3)


def test_every_layout_is_tried():
    assert {layout.name for layout in LAYOUTS} == {name.split(",")[0] for name in MADE}


def test_a_part_can_be_named(tmp_path):
    _trackingnet(tmp_path)
    _got10k(tmp_path)
    _lasot(tmp_path / "lasot", ["bear-1"])
    assert read_source(tmp_path / "TRAIN_11").sequences[0].name == "TRAIN_11_a"
    assert read_source(tmp_path / "train").sequences[0].name == "GOT-10k_train_000001"
    assert read_source(tmp_path / "lasot/bear").sequences[0].name == "bear-1"


def test_the_origin_of_otbs_layout_can_be_said(tmp_path):
    _otb(tmp_path)
    for spec, x in ((f"{tmp_path}", 0), (f"{tmp_path}:origin=1", 0), (f"{tmp_path}:origin=0", 1)):
        assert parse_source(spec).sequences[0].boxes[0, 0] == x


def test_boxes_that_begin_at_0_ask_for_the_origin(tmp_path):
    _otb(tmp_path)
    rows = tmp_path / "Film/groundtruth_rect.txt"
    rows.write_text("5,0,3,4\n")
    with pytest.raises(InputError, match=r"Film has boxes that begin at 0; say .*:origin=0"):
        read_source(tmp_path)
    assert read_source(tmp_path, origin=0).sequences[0].visible.all()
    assert not read_source(tmp_path, origin=1).sequences[0].visible.any()
    # OTB and others have 0,0,0,0 where there is no target
    rows.write_text("0,0,0,0\n")
    assert not read_source(tmp_path).sequences[0].visible.any()


def test_the_origin_is_for_otbs_layout_only(tmp_path):
    _stills(tmp_path)
    with pytest.raises(InputError, match="origin is for OTB's layout, and this is COCO's"):
        read_source(tmp_path, origin=0)


@pytest.mark.parametrize(
    ("end", "weight", "x"),
    [("", 1.0, 0), ("@2", 2.0, 0), ("@0.25", 0.25, 0), (":origin=0@3", 3.0, 1)],
)
def test_a_source_is_described_in_one_word(tmp_path, end, weight, x):
    _otb(tmp_path / "my@home")
    source = parse_source(f"{tmp_path}/my@home{end}")
    assert (source.weight, source.sequences[0].boxes[0, 0]) == (weight, x)


def test_a_folder_is_read_as_it_is_named(tmp_path):
    _otb(tmp_path / "films@2")
    assert parse_source(f"{tmp_path}/films@2").weight == 1
    assert parse_source(f"{tmp_path}/films@2@3").weight == 3


def test_synthetic_films_are_a_source(tmp_path, monkeypatch):
    source = parse_source("synthetic:3@0.5")
    assert (source.name, source.weight, len(source.sequences)) == ("synthetic", 0.5, 3)
    monkeypatch.chdir(tmp_path)
    _otb(tmp_path / "synthetic")
    assert parse_source("./synthetic").sequences[0].name == "Film"
    assert parse_source("synthetic:2").sequences[0].name.startswith("train_")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "expected DIR"),
        ("nowhere", "nowhere: no such folder; looked for OTB: .*DAVIS: "),
        ("nowhere@1.2.3", "weight '1.2.3' is not a number"),
        ("nowhere:7", "number of films is for synthetic only"),
        ("synthetic:0", "0 films"),
    ],
)
def test_other_descriptions_are_refused(spec, message):
    with pytest.raises(InputError, match=message):
        parse_source(spec)


def test_an_unknown_folder_lists_what_was_looked_for(tmp_path):
    _image(tmp_path / "a.png")
    with pytest.raises(InputError, match="no known layout in this folder; looked for") as caught:
        read_source(tmp_path)
    assert all(f"{layout.name}: {layout.files}" in str(caught.value) for layout in LAYOUTS)


def test_test_sequences_are_not_to_train_on(tmp_path):
    _lasot(tmp_path, ["bear-2"])
    with pytest.raises(InputError, match="only sequences of LaSOT's test set"):
        read_source(tmp_path)


def test_the_shared_sources_are_read(shared):
    videos = parse_source(f"{shared}/data/train:origin=0@2")
    stills = read_source(shared / "data" / "stills")
    with pytest.raises(InputError, match="begin at 0"):
        read_source(shared / "data" / "train")
    assert (len(videos.sequences), videos.weight, len(stills.sequences)) == (30, 2.0, 4089)
    swan = next(each for each in videos.sequences if each.name == "DAVIS2016_blackswan")
    np.testing.assert_array_equal(swan.boxes[0], [71.38, 41.03, 215.27, 175.36])
    dataset = PairDataset([videos, stills], 2, 0, PairOptions(size=48))
    assert dataset[1].search.isfinite().all()


def test_instances_of_several_years_are_named(tmp_path):
    _coco(tmp_path)
    _image(tmp_path / "train2017/a.png")
    _text(tmp_path / "annotations/instances_train2017.json", json.dumps(COCO))
    with pytest.raises(InputError, match=r"several years \(.*2014\.json, .*2017\.json\).*name one"):
        read_source(tmp_path)
    source = parse_source(f"{tmp_path}/annotations/instances_train2017.json@2")
    assert source.weight == 2
    assert source.sequences[0].frames.files == [tmp_path / "train2017/a.png"]


def test_a_folder_whose_name_is_not_utf8_has_a_name_for_cards(tmp_path):
    _stills(tmp_path / "plain")  # OpenCV writes into no other
    folder = (tmp_path / "plain").rename(tmp_path / "caf\udce9")
    source = read_source(folder)
    assert source.name.endswith("/caf\\udce9")
    assert source.sequences[0].frames[0].shape == (8, 8, 3)
