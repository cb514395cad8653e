import pytest
import torch
from torch.nn import functional

from cfkd_core.tracking import classifier
from cfkd_core.tracking.classifier import FilterProblem
from cfkd_core.tracking.distractors import DistractorProblem
from cfkd_core.tracking.optimise import gauss_newton
from cfkd_core.tracking.strip import Strip

KERNEL, CHANNELS, CELLS = 4, 3, 6


def randn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


SAMPLES, LABELS = randn(CHANNELS, 5, CELLS, CELLS, seed=0), randn(5, CELLS, CELLS, seed=1)
WEIGHTS = torch.tensor([0.3, 0.1, 0.4, 0.0, 0.2]).double()  # the fourth has faded altogether
X = 0.3 * randn(CHANNELS * KERNEL**2, seed=2)


def problem(
    kind=DistractorProblem, samples=SAMPLES, labels=LABELS, weights=WEIGHTS, regularisation=0.1
):
    return kind(strip_of(samples), labels, weights, regularisation)


def strip_of(samples):
    strip = Strip(CHANNELS, samples.shape[1], (CELLS, CELLS), KERNEL, samples)
    strip.samples.copy_(samples)
    return strip


def residual(x):
    """The residuals of the docstring, written out for autograd: one row a sample, then x."""
    padded = functional.conv2d(
        SAMPLES.transpose(0, 1), x.view(1, CHANNELS, KERNEL, KERNEL), padding=KERNEL // 2
    )
    misfit = (classifier.mlu(padded[:, 0, :CELLS, :CELLS]) - LABELS).flatten(1)
    height = misfit.abs().amax(1) + 0.01
    factor = (height / height.amax()).exp() * WEIGHTS.sqrt()
    return torch.cat([(factor[:, None] * misfit).flatten(), 0.1**0.5 * x])


def by_double_backward(x, v):
    """J v as the slope, in a dummy u, of the slope Jᵀu: the way of the original."""
    free, dummy = x.clone().requires_grad_(), torch.zeros(len(residual(x))).double()
    dummy.requires_grad_()
    values = residual(free)
    (pulled,) = torch.autograd.grad(values, free, dummy, create_graph=True)
    (pushed,) = torch.autograd.grad(pulled, dummy, v, retain_graph=True)
    (product,) = torch.autograd.grad(values, free, pushed)
    return product


def test_it_is_the_jacobian_of_its_residual():
    jacobian = torch.func.jacrev(residual)(X)
    torch.testing.assert_close(problem().residuals(X), residual(X))
    descent, operator = problem().linearise(X)
    torch.testing.assert_close(descent, -jacobian.T @ residual(X))
    for seed in (3, 4):
        v = randn(len(X), seed=seed)
        torch.testing.assert_close(operator(v), jacobian.T @ (jacobian @ v))


def test_the_product_is_that_of_double_backward():
    _, operator = problem().linearise(X)
    v = randn(len(X), seed=5)
    torch.testing.assert_close(operator(v), by_double_backward(X, v))


def test_the_factors_slope_counts():
    """Frozen factors would make another, wrong, problem of it."""
    jacobian = torch.func.jacrev(residual)(X)
    frozen = torch.func.jacrev(lambda x: frozen_residual(x, X))(X)
    assert (jacobian - frozen).norm() > 0.05 * jacobian.norm()
    descent, _ = problem().linearise(X)
    assert (descent + frozen.T @ residual(X)).norm() > 0.05 * descent.norm()


def frozen_residual(x, start):
    rows = len(residual(x)) - len(x)
    factor = residual(start)[:rows] / plain_residual(start)
    return torch.cat([plain_residual(x) * factor.detach(), 0.1**0.5 * x])


def plain_residual(x):
    scores = classifier.correlate(SAMPLES, x.view(CHANNELS, KERNEL, KERNEL))
    return (classifier.mlu(scores) - LABELS).flatten()


def test_samples_that_fit_alike_count_alike():
    """Copies of one sample have the factor e at any filter: all is e² times as in FilterProblem."""
    samples, labels = SAMPLES[:, :1].expand(-1, 3, -1, -1), LABELS[:1].expand(3, -1, -1)
    equal = torch.full((3,), 1 / 3).double()
    emphatic = problem(DistractorProblem, samples, labels, equal, 0.0)
    plain = problem(FilterProblem, samples, labels, equal, 0.0)
    v = randn(len(X), seed=3)
    (descent, operator), (expected, product) = (each.linearise(X) for each in (emphatic, plain))
    torch.testing.assert_close(descent, expected * torch.e**2)
    torch.testing.assert_close(operator(v), product(v) * torch.e**2)


@pytest.mark.parametrize("steps", [1, 3])
def test_fitting_lowers_the_loss(steps):
    found = gauss_newton(problem(), X, steps, 5)
    assert residual(found).square().sum() < residual(X).square().sum()


def test_the_worst_sample_is_fitted_better_than_without_emphasis():
    """Nine views of one target and a distractor: the distractor is learnt faster."""
    target, distractor = randn(CHANNELS, 1, CELLS, CELLS, seed=6), 2 * SAMPLES[:, :1]
    samples = torch.cat([target.expand(-1, 9, -1, -1), distractor], 1)
    labels = torch.zeros(10, CELLS, CELLS).double()
    labels[:9, 3, 3] = 1
    weights = torch.full((10,), 0.1).double()
    misfits = []
    for kind in (FilterProblem, DistractorProblem):
        found = gauss_newton(problem(kind, samples, labels, weights), X, 1, 5)
        scores = classifier.correlate(samples, found.view(CHANNELS, KERNEL, KERNEL))
        misfits.append(float((classifier.mlu(scores) - labels)[9].abs().amax()))
    assert misfits[1] < misfits[0]
