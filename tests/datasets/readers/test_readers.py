"""Benchmarks by name: where their files are sought, and what is said of those that are missing."""

from dataclasses import replace

import pytest

from cfkd_core.datasets.readers import BENCHMARKS, READERS, load_benchmark, shortfall
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError


@pytest.fixture
def write_otb(tmp_path, write_images, write_text):
    def write(*names):
        for name in names:
            write_images(tmp_path / "otb" / name / "img", [1], digits=4)
            write_text(tmp_path / "otb" / name / "groundtruth_rect.txt", "1,1,5,5\n")

    return write


def test_root_is_the_argument_or_the_variable(tmp_path, monkeypatch, write_otb):
    write_otb("Film")
    monkeypatch.delenv("CFKD_DATA", raising=False)
    with pytest.raises(InputError, match="CFKD_DATA"):
        load_benchmark("otb")
    assert load_benchmark("otb", tmp_path / "otb")[0].name == "Film"
    monkeypatch.setenv("CFKD_DATA", str(tmp_path))
    assert load_benchmark("otb")[0].name == "Film"
    with pytest.raises(InputError, match="no such folder"):
        load_benchmark("otb", tmp_path / "nowhere")


def test_unknown_benchmark_names_the_known():
    with pytest.raises(InputError, match=", ".join(BENCHMARKS)):
        load_benchmark("otb50")


def test_synthetic_takes_no_root(tmp_path):
    with pytest.raises(InputError, match="rendered"):
        load_benchmark("synthetic", tmp_path)


@pytest.mark.parametrize("name", [name for name in READERS if name != "own"])
def test_an_empty_folder_says_where_to_get_the_benchmark(tmp_path, name):
    with pytest.raises(InputError, match="here; expected") as caught:
        load_benchmark(name, tmp_path)
    assert str(caught.value).count(READERS[name].home) == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("otb", 100),
        ("lasot", 280),
        ("trackingnet", 511),
        ("vot2018", 60),
        ("vot2019", 60),
        ("got10k", 180),
        ("got10k-val", 180),
        ("uav123", 123),
        ("davis", 30),
    ],
)
def test_the_names_are_as_many_as_the_benchmark_has(tmp_path, name, size):
    assert READERS[name].size == size
    if name != "trackingnet":
        assert len(READERS[name].names(tmp_path)) == size


def test_a_part_is_read_and_named(tmp_path, write_otb):
    names = sorted(READERS["otb"].names(tmp_path))
    plain = [name for name in names if "." not in name]
    write_otb(*plain)
    text = shortfall("otb", load_benchmark("otb", tmp_path / "otb"), tmp_path / "otb")
    assert text == (
        "otb: 95 of 100 sequences are there; missing: Human4.2, Jogging.1, Jogging.2, Skating2.1, "
        f"Skating2.2; get otb from {READERS['otb'].home}"
    )


def test_many_missing_are_counted_and_strangers_named(tmp_path, write_images, write_text):
    for name in ("ants1", "Film"):
        write_images(tmp_path / name, [1])
        write_text(tmp_path / name / "groundtruth.txt", "1,1,5,5\n")
    text = shortfall("vot2018", load_benchmark("vot2018", tmp_path), tmp_path)
    assert text.startswith("vot2018: 1 of 60 sequences are there; missing: ants3, bag, ")
    assert " and 49 more; not of this benchmark: Film; get vot2018" in text


def test_other_videos_in_otbs_layout_are_no_alarm(tmp_path, write_otb):
    write_otb("David", "Film")
    sequences = load_benchmark("otb", tmp_path / "otb")
    text = shortfall("otb", sequences, tmp_path / "otb")
    assert text == "otb: 1 of 2 sequences are of OTB-100's 100"
    # the same folder is read as one's own videos, counted from 1
    own = load_benchmark("own", tmp_path / "otb")
    assert [each.name for each in own] == ["David", "Film"]
    assert [each.boxes.tolist() for each in own] == [each.boxes.tolist() for each in sequences]
    assert {each.origin for each in own} == {1}


def test_a_whole_benchmark_lacks_nothing(tmp_path, write_images, write_text):
    for name in READERS["vot2018"].names(tmp_path):
        write_images(tmp_path / name, [1])
        write_text(tmp_path / name / "groundtruth.txt", "1,1,5,5\n")
    assert shortfall("vot2018", load_benchmark("vot2018", tmp_path), tmp_path) == ""
    other_year = shortfall("vot2019", load_benchmark("vot2019", tmp_path), tmp_path)
    assert "missing: agility, ball3, dribble" in other_year
    assert "not of this benchmark: ants3, bag" in other_year


def test_of_trackingnet_the_annotations_give_the_names(tmp_path, write_images, write_text):
    for name in ("a_0", "b_0"):
        write_text(tmp_path / "TEST/anno" / f"{name}.txt", "1,1,5,5\n")
    write_images(tmp_path / "TEST/frames/b_0", [0], digits=1)
    text = shortfall("trackingnet", load_benchmark("trackingnet", tmp_path), tmp_path)
    assert text.startswith(
        "trackingnet: 1 of 511 sequences are there; missing: a_0; get trackingnet"
    )


def test_of_davis_the_videos_are_counted(tmp_path):
    (film,) = synthetic_sequences(["syn_far_coin"], length=1)
    targets = [replace(film, name=name) for name in ("dogs-jump.1", "dogs-jump.2", "cows")]
    text = shortfall("davis", targets, tmp_path)
    assert text.startswith("davis: 2 of 30 sequences are there; missing: bike-packing")
    assert "not of" not in text


def test_the_synthetic_and_ones_own_are_always_whole(tmp_path):
    assert shortfall("synthetic", []) == shortfall("own", [], tmp_path) == ""
