import numpy as np
import pytest
import torch

from cfkd_core import patches
from cfkd_core.tracking import augment
from cfkd_core.tracking.augment import AugmentOptions, View


@pytest.fixture
def frame():
    """A dark frame with one bright spot 20 px to the right of the centre (100, 80)."""
    frame = np.zeros((160, 200, 3), dtype=np.uint8)
    frame[78:82, 118:122] = 255
    return frame


def spot(pixels):
    weight = pixels[..., 0].astype(float)
    grid = np.arange(len(pixels)) + 0.5
    return np.array([weight.sum(0) @ grid, weight.sum(1) @ grid]) / weight.sum()


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(), (90, 50)),
        (View(shift=(4.0, -12.0)), (94, 38)),
        (View(mirrored=True), (10, 50)),
        (View(angle=90), (50, 10)),  # anticlockwise as seen: right goes up
        (View(angle=90, shift=(5.0, 6.0)), (55, 16)),
        (View(blur=(3, 1)), (90, 50)),
    ],
)
def test_where_each_view_shows_a_spot(frame, view, expected):
    """100 px of patch show 50 px of frame: 20 px right of the centre is 40 px in the patch."""
    pixels = augment.render(frame, np.array([100.0, 80.0]), 50.0, 100, view)
    np.testing.assert_allclose(spot(pixels), expected, atol=0.3)


def test_the_plain_view_is_the_crop(frame):
    pixels = augment.render(frame, np.array([99.3, 81.7]), 53.0, 96, View())
    cropped = patches.crop(frame, np.array([99.3, 81.7]), 53.0, 96)
    np.testing.assert_array_equal(pixels, cropped.pixels)


def test_blur_spreads_along_its_axis(frame):
    pixels = augment.render(frame, np.array([100.0, 80.0]), 50.0, 100, View(blur=(4, 0.2)))
    rows, columns = np.nonzero(pixels[..., 0] > 8)
    assert np.ptp(columns) > 2 * np.ptp(rows)


def test_views_and_dropouts_make_thirty_samples():
    options, generator = AugmentOptions(), torch.Generator().manual_seed(0)
    views = augment.views(288, options, generator)
    assert len(views) + options.dropouts == 30
    assert views[0] == View()
    assert max(np.abs(view.shift).max() for view in views[1:5]) == pytest.approx(86.4)
    assert all(np.abs(view.shift).max() <= 48 for view in views[5:])


def test_dropped_channels_are_zero_and_the_rest_is_raised():
    copies = augment.drop_channels(
        torch.ones(500, 2, 2), AugmentOptions(), torch.Generator().manual_seed(0)
    )
    assert copies.shape == (7, 500, 2, 2)
    assert sorted(set(copies.unique().tolist())) == [0.0, 1.25]
    assert (copies == 0).float().mean() == pytest.approx(0.2, abs=0.03)
