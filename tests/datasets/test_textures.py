"""Textures: surfaces that their seed says all about."""

import numpy as np
import pytest

from cfkd_core.datasets.textures import SIDE, Texture


@pytest.mark.parametrize("seed", range(8))
def test_a_texture_is_a_picture_with_contrast(seed):
    pixels = Texture(seed).pixels()
    assert (pixels.shape, pixels.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert pixels.std(axis=(0, 1)).max() > 5


def test_a_seed_gives_one_texture_and_another_seed_another():
    np.testing.assert_array_equal(Texture(3).pixels(), Texture(3).pixels())
    means = {tuple(Texture(seed).pixels().mean(axis=(0, 1)).round(1)) for seed in range(10)}
    assert len(means) == 10
