"""Boxes from DAVIS's masks."""

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.readers.davis import mask_boxes, read_davis, read_mask
from cfkd_core.errors import InputError

# blue, green, red of the palette's colours 1, 2, 3 and 8
PALETTE = {1: (0, 0, 128), 2: (0, 128, 0), 3: (0, 128, 128), 8: (0, 0, 64)}


def _mask(**boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Rectangles x, y, w, h of the objects `o1`, `o2`, … in the palette's colours."""
    mask = np.zeros((20, 30, 3), np.uint8)
    for name, (x, y, w, h) in boxes.items():
        mask[y : y + h, x : x + w] = PALETTE[int(name[1:])]
    return mask


@pytest.fixture
def write(tmp_path, write_images):
    def write(name, masks, resolution="480p"):
        write_images(tmp_path / "JPEGImages" / resolution / name, range(len(masks)), 5)
        folder = tmp_path / "Annotations" / resolution / name
        folder.mkdir(parents=True)
        for number, mask in enumerate(masks):
            cv2.imwrite(str(folder / f"{number:05d}.png"), mask)

    return write


def test_each_object_is_a_sequence(tmp_path, write):
    masks = [
        _mask(o1=(1, 2, 3, 4)),
        _mask(o1=(2, 2, 3, 4), o2=(10, 5, 6, 7)),
        _mask(o2=(11, 5, 6, 7)),
        _mask(),
        _mask(o1=(0, 0, 30, 20)),
    ]
    write("dogs", masks)
    first, second = read_davis(tmp_path)
    assert (first.name, second.name) == ("dogs.1", "dogs.2")
    assert first.visible.tolist() == [True, True, False, False, True]
    np.testing.assert_array_equal(
        first.boxes[[0, 1, 4]], [[1, 2, 3, 4], [2, 2, 3, 4], [0, 0, 30, 20]]
    )
    assert np.isnan(first.boxes[2:4]).all()
    # the second begins where it appears
    assert second.visible.tolist() == [True, True, False, False]
    np.testing.assert_array_equal(second.boxes[0], [10, 5, 6, 7])
    assert second.frames[0][0, 0, 0] == 1


def test_a_single_object_is_named_as_its_video(tmp_path, write):
    white = np.zeros((20, 30), np.uint8)
    white[3:5, 6:9] = 255
    write("cow", [white, white], resolution="Full-Resolution")
    (sequence,) = read_davis(tmp_path)
    assert (sequence.name, sequence.origin) == ("cow", 0)
    np.testing.assert_array_equal(sequence.boxes, [[6, 3, 3, 2]] * 2)


def test_only_the_videos_asked_for_are_read(tmp_path, write):
    for name in ("ant", "bee", "cow"):
        write(name, [_mask(o1=(1, 1, 2, 2))])
    only = frozenset({"cow", "bee", "fly"})
    assert [each.name for each in read_davis(tmp_path, only)] == ["bee", "cow"]
    assert len(read_davis(tmp_path)) == 3


def test_every_kind_of_mask_gives_numbers(tmp_path):
    coloured = _mask(o1=(0, 0, 1, 1), o2=(1, 0, 1, 1), o3=(2, 0, 1, 1), o8=(3, 0, 1, 1))
    white = np.full((2, 2, 4), 255, np.uint8)
    numbers = np.array([[0, 1], [7, 1]], np.uint8)
    for name, image, expected in [
        ("palette", coloured[:1, :5], [[1, 2, 3, 8, 0]]),
        ("white", white, [[1, 1], [1, 1]]),
        ("grey", numbers, numbers),
    ]:
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), image)
        np.testing.assert_array_equal(read_mask(path), expected)


def test_colours_of_another_palette_are_told_apart(tmp_path):
    colours = np.random.default_rng(0).integers(1, 255, (1, 300, 3), dtype=np.uint8)
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), colours)
    different = len(np.unique(colours[0], axis=0))
    assert len(np.unique(read_mask(path))) == different


def test_a_box_reaches_to_the_far_edge_of_the_last_pixel():
    mask = np.zeros((4, 5), np.int64)
    assert mask_boxes(mask) == {}
    mask[3, 4] = 2
    np.testing.assert_array_equal(mask_boxes(mask)[2], [4, 3, 1, 1])


def test_broken_videos_are_named(tmp_path, write):
    write("dogs", [_mask(o1=(1, 2, 3, 4))] * 3)
    path = tmp_path / "Annotations/480p/dogs/00001.png"
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"00001\.png: cannot be decoded"):
        read_davis(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="dogs: frame 1 is missing"):
        read_davis(tmp_path)


def test_masks_without_an_object_are_refused(tmp_path, write):
    write("dogs", [_mask()])
    with pytest.raises(InputError, match="dogs: no object"):
        read_davis(tmp_path)


def test_nothing_there_says_what_is_expected(tmp_path):
    with pytest.raises(InputError, match="no DAVIS videos here"):
        read_davis(tmp_path)
