import pytest
import torch

from cfkd_core.tracking.optimise import conjugate_gradient, gauss_newton


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

    def linearise(self, x):
        a, b = x
        residual = torch.stack([10 * (b - a * a), 1 - a])
        jacobian = torch.tensor([[-20 * a, 10.0], [-1.0, 0.0]], dtype=x.dtype)
        return -jacobian.T @ residual, lambda v: jacobian.T @ (jacobian @ v)


def test_gauss_newton_solves_a_nonlinear_problem():
    found = gauss_newton(Rosenbrock(), torch.tensor([-1.2, 1.0]).double(), 3, 2)
    torch.testing.assert_close(found, torch.ones(2).double(), atol=1e-6, rtol=0)
