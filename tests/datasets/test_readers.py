"""OTB's layout, its exceptions, and what is said when files are missing."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.readers import BENCHMARKS, load_benchmark, read_otb, read_rows
from cfkd_core.errors import InputError

SHARED = Path(os.environ.get("CFKD_SHARED", Path(__file__).parents[3] / "shared"))


def _write(root: Path, name: str, numbers, rows: str | bytes, *, digits=4, file=""):
    folder = root / name / "img"
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        # the grey level tells which frame was read
        image = np.full((4, 4, 3), number % 200, np.uint8)
        cv2.imwrite(str(folder / f"{number:0{digits}d}.png"), image)
    text = rows if isinstance(rows, bytes) else rows.encode()
    (root / name / (file or "groundtruth_rect.txt")).write_bytes(text)


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
def test_every_delimiter_is_read(tmp_path, text):
    _write(tmp_path, "Film", [1, 2], text)
    (sequence,) = read_otb(tmp_path)
    np.testing.assert_array_equal(sequence.boxes, [[2, 3, 10, 20], [4, 5, 11, 21]])
    assert (sequence.name, sequence.origin, sequence.visible.all()) == ("Film", 1, True)


def test_visible_means_four_positive_published_numbers(tmp_path):
    rows = "1,1,5,5\n0,1,5,5\n1,-2,5,5\n1,1,0,5\nNaN,NaN,NaN,NaN\n"
    _write(tmp_path, "Film", range(1, 6), rows)
    (sequence,) = read_otb(tmp_path)
    assert sequence.visible.tolist() == [True, False, False, False, False]


def test_training_videos_count_from_0(tmp_path):
    _write(tmp_path, "Film", range(1, 5), "0,0,5,5\n3,4,10,20\nnan,nan,nan,nan\n-1,0,5,5\n")
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
def test_span_applies_to_the_original_numbering_only(tmp_path, name, numbers, rows, x, greys):
    _write(tmp_path, name, numbers, rows)
    (sequence,) = read_otb(tmp_path)
    published = sequence.to_published(sequence.boxes)
    assert (published[0, 0], published[-1, 0]) == x
    assert (sequence.frames[0][0, 0, 0], sequence.frames[len(sequence) - 1][0, 0, 0]) == greys


def test_two_targets_are_two_sequences_and_human4_has_only_its_second(tmp_path):
    for name in ("Jogging", "Human4"):
        for target in (1, 2):
            file = f"groundtruth_rect.{target}.txt"
            _write(tmp_path, name, [1], f"{target},1,5,5\n", file=file)
    sequences = {sequence.name: sequence for sequence in read_otb(tmp_path)}
    assert sorted(sequences) == ["Human4.2", "Jogging.1", "Jogging.2"]
    assert sequences["Jogging.2"].boxes[0, 0] == 1
    assert sequences["Jogging.1"].attributes == {"OCC", "DEF", "OPR"}


def test_five_digit_names_are_sorted_as_numbers(tmp_path):
    _write(tmp_path, "Board", [9, 10, 11], _rows(9, 11), digits=5)
    (sequence,) = read_otb(tmp_path)
    assert [frame[0, 0, 0] for frame in sequence.frames] == [9, 10, 11]


def test_other_folders_are_passed_over(tmp_path):
    _write(tmp_path, "Film", [1], _rows(1, 1))
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


def test_counts_must_match(tmp_path):
    _write(tmp_path, "Film", [1, 2, 3], _rows(1, 2))
    with pytest.raises(InputError, match=r"Film: 3 frames .* 2 boxes"):
        read_otb(tmp_path)


@pytest.mark.parametrize(
    ("text", "place"),
    [("1,2,3,4\n1,2,3\n", "line 2"), ("a,b,c,d\n", "line 1"), ("1,2,3,4,5\n", "line 1")],
)
def test_unreadable_line_is_named(tmp_path, text, place):
    file = tmp_path / "boxes.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=f"{place}: expected 4 numbers"):
        read_rows(file, 4)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00\xd8"])
def test_file_without_rows_is_refused(tmp_path, content):
    file = tmp_path / "boxes.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"boxes\.txt"):
        read_rows(file, 4)


def test_empty_root_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no OTB sequences"):
        read_otb(tmp_path)


def test_root_is_the_argument_or_the_variable(tmp_path, monkeypatch):
    _write(tmp_path / "otb", "Film", [1], _rows(1, 1))
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


@pytest.mark.skipif(not (SHARED / "data/otb-dev").is_dir(), reason="needs shared/data/otb-dev")
def test_otb_dev_is_read_whole():
    sequences = {sequence.name: sequence for sequence in read_otb(SHARED / "data/otb-dev")}
    assert len(sequences) == 11
    david = sequences["David"]
    assert len(david) == 471
    np.testing.assert_array_equal(david.boxes[0], [128, 79, 64, 78])
    assert david.frames[0].shape[2] == 3
    assert "IV" in david.attributes
    assert all(sequence.visible.all() for sequence in sequences.values())
