import pytest
import torch

from cfkd_core.tracking.optimise import ByAutograd, conjugate_gradient, gauss_newton


@pytest.fixture
def system():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, generator=generator).double()
    return root @ root.T + torch.eye(12), torch.randn(12, generator=generator).double()


@pytest.mark.parametrize("preconditioned", [False, True])
def test_conjugate_gradient_equals_a_direct_solve(system, preconditioned):
    matrix, rhs = system
    diagonal = matrix.diagonal() if preconditioned else None
    found = conjugate_gradient(lambda v: matrix @ v, rhs, 40, diagonal)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, rhs), atol=1e-8, rtol=1e-8)


def test_each_step_lowers_the_energy(system):
    matrix, rhs = system
    energies = []
    for steps in range(8):
        x = conjugate_gradient(lambda v: matrix @ v, rhs, steps)
        energies.append(float(x @ matrix @ x / 2 - rhs @ x))
    assert energies == sorted(energies, reverse=True)


def test_a_solved_system_stays_solved(system):
    matrix, _ = system
    assert (conjugate_gradient(lambda v: matrix @ v, torch.zeros(12).double(), 5) == 0).all()


class Rosenbrock:
    """Residuals (10 (b - a²), 1 - a), zero at (1, 1)."""

    preconditioner = None

    def residuals(self, x):
        a, b = x
        return torch.stack([10 * (b - a * a), 1 - a])

    def linearise(self, x):
        a = x[0]
        residual = self.residuals(x)
        jacobian = torch.tensor([[-20 * a, 10.0], [-1.0, 0.0]], dtype=x.dtype)
        return -jacobian.T @ residual, lambda v: jacobian.T @ (jacobian @ v)


def test_gauss_newton_solves_a_nonlinear_problem():
    found = gauss_newton(Rosenbrock(), torch.tensor([-1.2, 1.0]).double(), 3, 2)
    torch.testing.assert_close(found, torch.ones(2).double(), atol=1e-6, rtol=0)


@torch.no_grad()
def test_autograd_linearises_as_by_hand():
    x, v = torch.tensor([-1.2, 1.0]).double(), torch.tensor([0.3, -0.8]).double()
    (descent, operator), (expected, product) = (
        problem.linearise(x) for problem in (ByAutograd(Rosenbrock()), Rosenbrock())
    )
    torch.testing.assert_close(descent, expected)
    torch.testing.assert_close(operator(v), product(v))
    assert not descent.requires_grad
