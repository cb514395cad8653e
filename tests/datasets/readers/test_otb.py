"""OTB's layout, its exceptions, and what is said when files are missing."""

import json

import numpy as np
import pytest

from cfkd_core.datasets.readers.otb import OTB_SPANS, read_otb
from cfkd_core.errors import InputError


@pytest.fixture
def write(tmp_path, write_images, write_text):
    """Writes a sequence, or one more target of it, into `tmp_path`."""

    def write(name, numbers, rows, *, digits=4, file="groundtruth_rect.txt"):
        write_images(tmp_path / name / "img", numbers, digits)
        write_text(tmp_path / name / file, rows)

    return write


def _rows(first: int, last: int) -> str:
    """One line a frame, whose x is the frame's number."""
    return "".join(f"{number},5,10,20\n" for number in range(first, last + 1))


@pytest.mark.parametrize(
    "text",
    [
        b"3,4,10,20\n5,6,11,21\n",
        b"3\t4\t10\t20\r\n5\t6\t11\t21\r\n",
        b"3 4  10 20\n5 6 11 21",  # no newline at the end
        b"\xef\xbb\xbf3, 4, 10, 20\n5, 6, 11, 21\n\n\n",  # byte order mark, blank lines
    ],
)
def test_every_delimiter_is_read(tmp_path, write, text):
    write("Film", [1, 2], text)
    (sequence,) = read_otb(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[2, 3, 10, 20], [4, 5, 11, 21]])
    assert (sequence.name, sequence.origin, sequence.visible.all()) == ("Film", 1, True)


def test_visible_means_four_positive_published_numbers(tmp_path, write):
    rows = "1,1,5,5\n0,1,5,5\n1,-2,5,5\n1,1,0,5\nNaN,NaN,NaN,NaN\n"
    write("Film", range(1, 6), rows)
    (sequence,) = read_otb(tmp_path)
    assert sequence.visible.tolist() == [True, False, False, False, False]


def test_training_videos_count_from_0(tmp_path, write):
    write("Film", range(1, 5), "0,0,5,5\n3,4,10,20\nnan,nan,nan,nan\n-1,0,5,5\n")
    (sequence,) = read_otb(tmp_path, origin=0)
    np.testing.assert_array_equal(sequence.boxes[:2], [[0, 0, 5, 5], [3, 4, 10, 20]])
    assert sequence.visible.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(sequence.to_published(sequence.boxes), sequence.boxes)


@pytest.mark.parametrize(
    ("name", "numbers", "rows", "x", "greys"),
    [
        # the original numbering: only the toolkit's span, which the annotation has already
        ("BlurCar3", range(1, 371), _rows(3, 359), (3, 359), (3, 359 % 200)),
        # the folder holds the span and no more
        ("BlurCar3", range(3, 360), _rows(3, 359), (3, 359), (3, 359 % 200)),
        # renumbered from 1: taken as it is
        ("BlurCar3", range(1, 358), _rows(3, 359), (3, 359), (1, 357 % 200)),
        # Tiger1's annotation covers the five frames that the toolkit leaves out
        ("Tiger1", range(1, 355), _rows(1, 354), (6, 354), (6, 354 % 200)),
        ("Tiger1", range(1, 350), _rows(6, 354), (6, 354), (1, 349 % 200)),
        ("Diving", range(1, 232), _rows(1, 215), (1, 215), (1, 215 % 200)),
        ("Diving", range(1, 232), _rows(1, 231), (1, 215), (1, 215 % 200)),
        ("Other", range(10, 15), _rows(10, 14), (10, 14), (10, 14)),
    ],
)
def test_span_applies_to_the_original_numbering_only(
    tmp_path, write, name, numbers, rows, x, greys
):
    write(name, numbers, rows)
    (sequence,) = read_otb(tmp_path)
    published = sequence.to_published(sequence.boxes)
    assert (published[0, 0], published[-1, 0]) == x
    assert (sequence.frames[0][0, 0, 0], sequence.frames[len(sequence) - 1][0, 0, 0]) == greys


def test_two_targets_are_two_sequences_and_human4_has_only_its_second(tmp_path, write):
    for name in ("Jogging", "Human4"):
        for target in (1, 2):
            file = f"groundtruth_rect.{target}.txt"
            write(name, [1], f"{target},1,5,5\n", file=file)
    sequences = {sequence.name: sequence for sequence in read_otb(tmp_path)}
    assert sorted(sequences) == ["Human4.2", "Jogging.1", "Jogging.2"]
    assert sequences["Jogging.2"].boxes[0, 0] == 1
    assert sequences["Jogging.1"].attributes == {"OCC", "DEF", "OPR"}


def test_five_digit_names_are_sorted_as_numbers(tmp_path, write):
    write("Board", [9, 10, 11], _rows(9, 11), digits=5)
    (sequence,) = read_otb(tmp_path)
    assert [frame[0, 0, 0] for frame in sequence.frames] == [9, 10, 11]


def test_other_folders_are_passed_over(tmp_path, write):
    write("Film", [1], _rows(1, 1))
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert len(read_otb(tmp_path)) == 1


def test_missing_images_are_named(tmp_path):
    (tmp_path / "Film").mkdir()
    (tmp_path / "Film" / "groundtruth_rect.txt").write_text(_rows(1, 2))
    with pytest.raises(InputError, match="Film: no folder"):
        read_otb(tmp_path)


def test_missing_annotation_is_named(tmp_path):
    (tmp_path / "Film" / "img").mkdir(parents=True)
    with pytest.raises(InputError, match=r"Film: no groundtruth_rect\.txt"):
        read_otb(tmp_path)


def test_counts_must_match(tmp_path, write):
    write("Film", [1, 2, 3], _rows(1, 2))
    with pytest.raises(InputError, match=r"Film: 3 frames .* 2 boxes"):
        read_otb(tmp_path)


def test_empty_root_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no OTB sequences"):
        read_otb(tmp_path)


@pytest.fixture(scope="module")
def published(shared) -> dict[str, np.ndarray]:
    """Boxes of OTB-100 by our names, which differ in case and in how they number targets."""
    path = shared / "oracles" / "otb" / "otb100_gt.json"
    sequences = json.loads(path.read_text())["sequences"]
    return {
        name.lower().replace("-", "."): np.array(entry["gt_rect"], dtype=float)
        for name, entry in sequences.items()
    }


def test_the_benchmark_has_59035_frames(published):
    """What 5 published trackers give boxes for, Tiger1 without five frames.

    Source: Benchmarks, exactly, section 1.1.
    """
    frames = sum(len(boxes) for boxes in published.values())
    first, last = OTB_SPANS["Tiger1"]
    assert frames - (len(published["tiger1"]) - (last - first + 1)) == 59035


def test_ten_published_boxes_are_invalid(published, write, tmp_path):
    """Biker 7, Board 1, Crowds 1, Twinnings 1 (Benchmarks, exactly, section 1.1)."""
    invalid = {name: int((boxes <= 0).any(axis=1).sum()) for name, boxes in published.items()}
    assert {name: count for name, count in invalid.items() if count} == {
        "biker": 7,
        "board": 1,
        "crowds": 1,
        "twinnings": 1,
    }
    boxes = published["biker"]
    rows = "\r\n".join("\t".join(f"{number:g}" for number in row) for row in boxes)
    write("Biker", range(1, len(boxes) + 1), rows)
    (sequence,) = read_otb(tmp_path)
    assert (~sequence.visible).sum() == 7


@pytest.mark.parametrize("name", sorted(OTB_SPANS))
def test_spans_fit_the_published_boxes(published, name):
    first, last = OTB_SPANS[name]
    rows = len(published[name.lower()])
    # Tiger1's rows start at frame 1, the others' with the span
    assert rows == (last if name == "Tiger1" else last - first + 1)


def test_otb_dev_is_read_whole(shared, published):
    sequences = {sequence.name: sequence for sequence in read_otb(shared / "data/otb-dev")}
    assert len(sequences) == 11
    for name, sequence in sequences.items():
        boxes = sequence.to_published(sequence.boxes)
        np.testing.assert_array_equal(boxes, published[name.lower()])
    david = sequences["David"]
    assert len(david) == 471
    np.testing.assert_array_equal(david.boxes[0], [128, 79, 64, 78])
    assert david.frames[0].shape[2] == 3
    assert "IV" in david.attributes
    assert all(sequence.visible.all() for sequence in sequences.values())


def test_one_frame_in_two_formats_is_refused(tmp_path, write_images, write_text):
    for suffix in (".jpg", ".png"):
        write_images(tmp_path / "Film/img", [1, 2], digits=4, suffix=suffix)
    write_text(tmp_path / "Film/groundtruth_rect.txt", "1,2,3,4\n" * 2)
    with pytest.raises(InputError, match=r"Film: .*img holds 0001\.jpg and 0001\.png"):
        read_otb(tmp_path)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Human4-2", "Human4.2"), ("Jogging_1", "Jogging.1"), ("Car-1", "Car-1")],
)
def test_a_second_target_may_be_named_otherwise(tmp_path, write_images, write_text, folder, name):
    write_images(tmp_path / folder / "img", [1, 2], digits=4)
    write_text(tmp_path / folder / "groundtruth_rect.txt", "1,2,3,4\n" * 2)
    assert [each.name for each in read_otb(tmp_path)] == [name]
