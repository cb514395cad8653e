"""The strip against the definition of correlation, for every kernel and any number of samples."""

import pytest
import torch

from cfkd_core.tracking import classifier
from cfkd_core.tracking.strip import Strip

HEIGHT, WIDTH, CHANNELS = 9, 7, 3


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def case(kernel, count, capacity=None):
    """A strip with `count` samples, the samples, and a filter."""
    samples = randn(CHANNELS, count, HEIGHT, WIDTH)
    strip = Strip(CHANNELS, capacity or count, (HEIGHT, WIDTH), kernel, samples)
    strip.samples[:, :count] = samples
    return strip, samples, randn(CHANNELS, kernel, kernel, seed=1)


def without_margin(maps):
    return maps[:, :HEIGHT, :WIDTH]


KERNELS = pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
# one, as many as are taken at a time, one more, and several times as many
COUNTS = pytest.mark.parametrize("count", [1, 25, 26, 60])


@KERNELS
@COUNTS
def test_it_correlates_as_a_convolution_layer(kernel, count):
    strip, samples, weights = case(kernel, count, capacity=61)
    strip.samples[:, count:] = 99  # beyond those asked for
    found = strip.correlate(weights, count)
    expected = classifier.correlate(samples, weights)
    torch.testing.assert_close(without_margin(found), expected)


@KERNELS
@COUNTS
def test_the_gradient_is_the_adjoint(kernel, count):
    strip, samples, weights = case(kernel, count)
    maps = randn(count, HEIGHT, WIDTH, seed=2)
    product = (classifier.correlate(samples, weights) * maps).sum()
    torch.testing.assert_close((strip.gradient(strip.pad(maps)) * weights).sum(), product)


@KERNELS
def test_the_gram_product_is_one_after_the_other(kernel):
    """Twice, for what the first leaves in the memory set aside must not be seen by the second."""
    strip, _, weights = case(kernel, 33)
    for count in (33, 28):
        curvature = strip.pad(randn(count, HEIGHT, WIDTH, seed=3))
        expected = strip.gradient(curvature * strip.correlate(weights, count))
        torch.testing.assert_close(strip.gram(weights, curvature), expected)


def test_no_samples_make_no_gradient():
    strip, _, weights = case(4, 1)
    assert strip.correlate(weights, 0).shape == (0, HEIGHT + 2, WIDTH + 2)
    assert (strip.gradient(strip.correlate(weights, 0)) == 0).all()


def test_correlating_sets_no_memory_aside_but_for_the_answer():
    """Whatever the number of samples: the product's taps are 16 times as many numbers."""
    strip, _, weights = case(4, 60)
    curvature = strip.inside.expand(60, -1, -1).contiguous()
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        strip.gram(weights, curvature)
    taken = [event.self_cpu_memory_usage for event in profile.events()]
    assert max(taken) < 60 * strip.inside.numel() * 8
