from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from cfkd_core import ops
from cfkd_core.tracking import classifier
from cfkd_core.tracking.classifier import Classifier, ClassifierOptions, FilterProblem, JointProblem
from cfkd_core.tracking.optimise import ByAutograd, gauss_newton
from cfkd_core.tracking.strip import Strip


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def by_conv2d(samples, weights):
    """Same-size convolution as the definition has it: pad k/2, drop the surplus row and column."""
    kernel = weights.shape[-1]
    padded = functional.conv2d(samples.transpose(0, 1), weights[None], padding=kernel // 2)
    return padded[:, 0, : samples.shape[2], : samples.shape[3]]


@pytest.mark.parametrize("kernel", [1, 3, 4, 5])
def test_correlate_is_a_convolution_layer(kernel):
    samples, weights = randn(6, 3, 9, 7), randn(6, kernel, kernel, seed=1)
    torch.testing.assert_close(classifier.correlate(samples, weights), by_conv2d(samples, weights))


def strip_of(samples, kernel):
    strip = Strip(len(samples), samples.shape[1], tuple(samples.shape[2:]), kernel, samples)
    strip.samples.copy_(samples)
    return strip


def test_mlu_is_elu_of_leaky_relu():
    scores = torch.linspace(-2, 2, 41).double()[None, None]
    expected = functional.elu(functional.leaky_relu(scores, 20.0), 0.05)
    torch.testing.assert_close(classifier.mlu(scores), expected)


def residual(features, labels, weights, options, x):
    """The residual vector, written out. Source: The original, exactly, section 5.2, step 8."""
    split = options.channels * options.kernel**2
    f = x[:split].view(options.channels, options.kernel, options.kernel)
    p = x[split:].view(options.channels, -1)
    samples = torch.einsum("dc,cnhw->dnhw", p, features)
    fit = classifier.mlu(by_conv2d(samples, f)) - labels
    return torch.cat(
        [
            (weights.sqrt()[:, None, None] * fit).flatten(),
            options.filter_regularisation**0.5 * f.flatten(),
            options.projection_regularisation**0.5 * p.flatten(),
        ]
    )


def test_joint_problem_is_the_jacobian_of_its_residual():
    options = ClassifierOptions(channels=3, kernel=4)
    features, labels = randn(5, 2, 6, 6), randn(2, 6, 6, seed=1)
    weights = torch.tensor([0.3, 0.7]).double()
    x = 0.3 * randn(3 * 16 + 3 * 5, seed=2)
    jacobian = torch.func.jacrev(lambda x: residual(features, labels, weights, options, x))(x)
    problem = JointProblem(features, labels, weights, options)
    torch.testing.assert_close(
        problem.residuals(x), residual(features, labels, weights, options, x)
    )
    descent, operator = problem.linearise(x)
    torch.testing.assert_close(
        descent, -jacobian.T @ residual(features, labels, weights, options, x)
    )
    v = randn(len(x), seed=3)
    torch.testing.assert_close(operator(v), jacobian.T @ (jacobian @ v))


def test_filter_problem_is_the_jacobian_of_its_residual():
    samples, labels, weights = randn(3, 2, 6, 6), randn(2, 6, 6, seed=1), randn(2, seed=4).abs()
    problem = FilterProblem(strip_of(samples, 4), labels, weights, regularisation=0.1)

    def residual(f):
        fit = classifier.mlu(by_conv2d(samples, f.view(3, 4, 4))) - labels
        return torch.cat([(weights.sqrt()[:, None, None] * fit).flatten(), 0.1**0.5 * f])

    f = 0.3 * randn(48, seed=2)
    jacobian = torch.func.jacrev(residual)(f)
    descent, operator = problem.linearise(f)
    torch.testing.assert_close(descent, -jacobian.T @ residual(f))
    v = randn(48, seed=3)
    torch.testing.assert_close(operator(v), jacobian.T @ (jacobian @ v))


@pytest.mark.parametrize("filled", [30, 250])
def test_an_update_is_that_of_double_backward(filled):
    """The memory of a real tracker, full or not: empty slots make no difference."""
    samples = torch.zeros(32, 250, 18, 18)
    samples[:, :filled] = randn(32, filled, 18, 18).float()
    labels, weights = torch.zeros(250, 18, 18), torch.zeros(250)
    labels[:filled] = ops.gaussian_label(9 + randn(filled, 2, seed=1).float(), 18, 0.9)
    weights[:filled] = 1 / filled
    strip, start = strip_of(samples, 4), 0.03 * randn(32 * 16, seed=2).float()
    plain = ByAutograd(FilterProblem(strip, labels, weights, 0.1))
    fast = FilterProblem(strip, labels[:filled], weights[:filled], 0.1)
    expected, found = (gauss_newton(each, start, 1, 5) for each in (plain, fast))
    step = (expected - start).norm()
    assert step > 0.1 * start.norm()
    assert (found - expected).norm() < 1e-5 * step


def test_the_classifier_learns_where_the_target_is():
    """One pattern on noise: the score map peaks where the pattern is, in samples never seen."""
    generator = torch.Generator().manual_seed(0)
    pattern = torch.randn(8, 3, 3, generator=generator)

    def sample(row, column):
        feature = 0.5 * torch.randn(8, 18, 18, generator=generator)
        feature[:, row - 1 : row + 2, column - 1 : column + 2] += 2 * pattern
        return feature

    places = [(9, 9), (5, 6), (12, 4), (7, 13), (10, 11)]
    features = torch.stack([sample(*place) for place in places], 1)
    centres = torch.tensor([(column, row) for row, column in places]).float()
    options = ClassifierOptions(channels=6)
    found = Classifier(features, ops.gaussian_label(centres, 18, 0.9), options, generator)
    scores = found.score(found.project(sample(4, 12)[:, None])[:, 0])
    assert divmod(int(scores.argmax()), 18) == (4, 12)
    before = found.filter.clone()
    samples = found.project(features)
    found.update(strip_of(samples, 4), ops.gaussian_label(centres, 18, 0.9), torch.full((5,), 0.2))
    assert not torch.equal(found.filter, before)
    assert divmod(int(found.score(samples[:, 1]).argmax()), 18) == (5, 6)


def test_one_patch_is_normalised_and_projected_as_many_are():
    options, generator = ClassifierOptions(channels=6), torch.Generator().manual_seed(0)
    features = torch.randn(8, 3, 9, 9, generator=generator)
    found = Classifier(features, torch.rand(3, 9, 9, generator=generator), options, generator)
    block4 = 40 * torch.randn(2, 8, 9, 9, generator=generator)
    many = found.project(classifier.normalise(block4).transpose(0, 1))
    torch.testing.assert_close(found.sample(block4[1]), many[:, 1])
    assert not found.sample(torch.zeros(8, 9, 9)).any()


def test_a_score_map_is_the_correlation():
    options, generator = ClassifierOptions(channels=6), torch.Generator().manual_seed(0)
    for kernel in (3, 4):
        fitted = replace(options, kernel=kernel)
        features = torch.randn(8, 3, 9, 7, generator=generator)
        found = Classifier(features, torch.rand(3, 9, 7, generator=generator), fitted, generator)
        samples = found.project(features)
        expected = by_conv2d(samples, found.filter)
        torch.testing.assert_close(found.score(samples[:, 1]), expected[1], atol=1e-5, rtol=1e-4)


def test_normalise_gives_unit_mean_square():
    features = classifier.normalise(randn(2, 3, 4, 5) * 40)
    torch.testing.assert_close(features.square().mean((1, 2, 3)), torch.ones(2).double())


def test_an_update_takes_little_memory():
    """The samples are 10 MB, and a copy of them in every step was most of the time."""
    strip = strip_of(torch.zeros(32, 250, 18, 18), 4)
    problem = FilterProblem(strip, torch.zeros(250, 18, 18), torch.full((250,), 1 / 250), 0.1)
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        gauss_newton(problem, torch.ones(32 * 16), 1, 5)
    taken = [event.self_cpu_memory_usage for event in profile.events()]
    assert 0 < max(taken) < 1e6
