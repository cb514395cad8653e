import cv2
import numpy as np
import pytest
import torch

from cfkd_core import patches


@pytest.fixture
def frame():
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def test_a_crop_without_scaling_is_a_slice(frame):
    patch = patches.crop(frame, np.array([40.0, 30.0]), 20.0, 20)
    np.testing.assert_array_equal(patch.pixels, frame[20:40, 30:50])


def test_the_border_is_replicated(frame):
    patch = patches.crop(frame, np.array([0.0, 0.0]), 20.0, 20)
    assert (patch.pixels[:10, :10] == frame[0, 0]).all()
    np.testing.assert_array_equal(patch.pixels[10:, 10:], frame[:10, :10])


def test_to_frame_inverts_to_patch(frame):
    patch = patches.crop(frame, np.array([33.3, 21.7]), 47.1, 288)
    boxes = np.random.default_rng(1).uniform(-50, 100, (7, 4))
    np.testing.assert_allclose(patch.to_frame(patch.to_patch(boxes)), boxes, atol=1e-10)
    middle = patch.to_frame(np.array([144.0, 144.0, 0, 0]))
    np.testing.assert_allclose(middle[:2], [33.3, 21.7])


@pytest.mark.parametrize("side", [10.0, 33.3, 57.0])
def test_what_the_patch_shows_is_where_it_says(side):
    """A white square lands where `to_patch` puts its box, to a fraction of a patch pixel."""
    frame = np.zeros((60, 80, 3), dtype=np.uint8)
    box = np.array([38.0, 27.0, 5.0, 4.0])
    frame[27:31, 38:43] = 255
    patch = patches.crop(frame, np.array([40.7, 29.2]), side, 200)
    weight = patch.pixels[..., 0].astype(float)
    grid = np.arange(200) + 0.5
    seen = np.array([weight.sum(0) @ grid, weight.sum(1) @ grid]) / weight.sum()
    x, y, w, h = patch.to_patch(box)
    np.testing.assert_allclose(seen, [x + w / 2, y + h / 2], atol=0.2)


PLACES = [
    ((30, 20), 17),  # inside
    ((-9, 41), 47),  # across two edges
    ((70, -30), 25),  # across a corner
    ((-40, -50), 160),  # around the whole frame
    ((-90, 10), 30),  # beside it
    ((200, 300), 30),
    ((79, 59), 1),
]


@pytest.mark.parametrize(("corner", "side"), PLACES)
def test_a_cut_is_a_crop_at_whole_pixels(frame, corner, side):
    cut = patches.cut(frame, corner, side, 96)
    crop = patches.crop(frame, np.array(corner) + side / 2, float(side), 96)
    assert (cut.corner.tolist(), cut.scale) == (crop.corner.tolist(), crop.scale)
    # beyond the middles of its outermost pixels a slice knows nothing
    rim = 1 + 48 // side
    difference = np.abs(cut.pixels.astype(int) - crop.pixels)[rim:-rim, rim:-rim]
    assert not difference.size or difference.max() <= 1  # they round in different ways
    whole = patches.cut(frame, corner, side, side)
    np.testing.assert_array_equal(whole.pixels, patches.crop(frame, *exactly(corner, side)).pixels)


def exactly(corner, side):
    """Centre, side and size of a crop that is not resized."""
    return np.array(corner) + side / 2, float(side), side


def test_a_cut_around_a_small_frame_is_not_padded_first(frame):
    """Its copy would be 3 GB."""
    patch = patches.cut(frame, (-16_000, -16_000), 32_000, 64)
    assert patch.pixels.shape == (64, 64, 3)
    assert (patch.pixels[:31, :31] == frame[0, 0]).all()


def test_to_images_is_rgb_from_0_to_1():
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[..., 0] = 255
    images = patches.to_images([pixels, pixels], torch.device("cpu"))
    assert images.shape == (2, 3, 4, 4)
    assert (images[:, 0] == 1).all()
    assert (images[:, 1:] == 0).all()
