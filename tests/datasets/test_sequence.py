"""A sequence holds together, and counts pixels as its benchmark does."""

import cv2
import numpy as np
import pytest

from cfkd_core.datasets.sequence import NumberedImages, Sequence, read_image
from cfkd_core.errors import InputError


def _sequence(frames: int, boxes: int, origin: int = 0) -> Sequence:
    images = [np.zeros((4, 4, 3), np.uint8)] * frames
    return Sequence("film", images, np.ones((boxes, 4)), np.ones(boxes, bool), origin=origin)


@pytest.mark.parametrize(("frames", "boxes"), [(0, 0), (3, 2), (0, 1)])
def test_frames_and_boxes_must_match(frames, boxes):
    with pytest.raises(InputError, match="film"):
        _sequence(frames, boxes)


@pytest.mark.parametrize(("digits", "names"), [(1, "9 10 11"), (4, "0009 0010 0011")])
def test_numbered_images_need_no_list(tmp_path, digits, names):
    for level, name in enumerate(names.split()):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((4, 4, 3), level, np.uint8))
    frames = NumberedImages(tmp_path, digits, ".png", first=9, count=3)
    assert [frame[0, 0, 0] for frame in frames] == [0, 1, 2]
    assert frames[-1][0, 0, 0] == 2
    with pytest.raises(IndexError):
        frames[3]


def test_published_boxes_count_from_the_origin():
    sequence = _sequence(1, 1, origin=1)
    box = np.array([[0.0, 4.5, 2.0, 3.0]])
    np.testing.assert_array_equal(sequence.to_published(box), [[1.0, 5.5, 2.0, 3.0]])
    np.testing.assert_array_equal(sequence.from_published(sequence.to_published(box)), box)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_an_image_comes_as_rgb(tmp_path, suffix):
    path = tmp_path / f"red{suffix}"
    cv2.imwrite(str(path), np.full((20, 30, 3), (0, 0, 200), np.uint8))  # BGR
    image = read_image(path)
    assert image.shape == (20, 30, 3)
    np.testing.assert_allclose(image[10, 10], [200, 0, 0], atol=3)


def test_half_an_image_is_refused(tmp_path):
    path = tmp_path / "frame.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    cv2.imwrite(str(path), noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"frame\.jpg: a JPEG that ends too soon"):
        read_image(path)
    path.write_bytes(whole + b"what a camera appends")
    assert read_image(path).shape == (60, 80, 3)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xd9"])
def test_what_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "frame.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be decoded"):
        read_image(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_thermal_image_is_scaled_by_its_own_range(tmp_path, channels):
    """14 bits of which a scene uses a few hundred levels: their upper 8 bits would be two greys."""
    levels = np.linspace(7600, 8100, 20 * 30).reshape(20, 30).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "1.png"), np.dstack([levels] * channels))
    with pytest.warns(UserWarning, match="images of 16 bits a channel; each is scaled by its own"):
        image = read_image(tmp_path / "1.png")
    assert (image.dtype, image.shape) == (np.uint8, (20, 30, 3))
    assert (image.min(), image.max(), len(np.unique(image))) == (0, 255, 256)
