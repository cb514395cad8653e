"""The toy set: reproducible, balanced, and learnable."""

import pytest
import torch

from cfkd_core.datasets import glyphs


def test_the_same_seed_draws_the_same_glyphs_and_another_one_others():
    first, second = glyphs.draw(40, seed=1), glyphs.draw(40, seed=1)
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.digits, second.digits)
    assert not torch.equal(first.images, glyphs.draw(40, seed=2).images)


def test_digits_are_alike_often_and_in_no_order():
    digits = glyphs.draw(50, seed=0).digits
    assert torch.bincount(digits).tolist() == [5] * 10
    assert not torch.equal(digits, digits.sort().values)


def test_a_glyph_lies_inside_its_picture_and_is_bright_on_dark():
    images = glyphs.draw(60, seed=0, noise=0.0).images
    assert images.shape == (60, 1, glyphs.SIDE, glyphs.SIDE)
    assert images.min() >= 0
    assert images.max() <= 1
    assert (images.amax((1, 2, 3)) > 0.3).all(), "each shows something"
    assert images.mean() < 0.5


@pytest.mark.parametrize("count", [0, 3])
def test_few_glyphs(count):
    assert len(glyphs.draw(count, seed=0).digits) == count


def test_a_linear_classifier_learns_more_than_chance():
    """By least squares: the digits differ, or the experiments that use them mean nothing."""
    train, test = glyphs.draw(2000, seed=0), glyphs.draw(300, seed=1)
    one_hot = torch.nn.functional.one_hot(train.digits, 10).float()
    ridge = train.images.flatten(1).T @ train.images.flatten(1) + 10 * torch.eye(glyphs.SIDE**2)
    weights = torch.linalg.solve(ridge, train.images.flatten(1).T @ one_hot)
    found = (test.images.flatten(1) @ weights).argmax(1)
    assert (found == test.digits).float().mean() > 0.35
