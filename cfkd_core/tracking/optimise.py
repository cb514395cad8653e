"""Least squares without forming a matrix: conjugate gradient inside Gauss-Newton."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Vector = Float[Tensor, "unknowns"]
Operator = Callable[[Vector], Vector]


@runtime_checkable
class LeastSquares(Protocol):
    """Minimise ||r(x)||² / 2 for residuals r that are nearly linear around x."""

    @property
    def preconditioner(self) -> Vector | None:
        """See `conjugate_gradient`."""

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """The descent direction -Jᵀr at `x`, and the product v -> JᵀJv."""


@runtime_checkable
class Residuals(Protocol):
    """Minimise ||r(x)||² / 2, with r written down and nothing else."""

    @property
    def preconditioner(self) -> Vector | None:
        """See `conjugate_gradient`."""

    def residuals(self, x: Vector) -> Float[Tensor, "residuals"]:
        """r(x), differentiable twice."""


class ByAutograd:
    """A problem linearised from its residuals alone: the plain way, and the reference.

    Jᵀu is what autograd gives for any u, and it is linear in u: so its slope in u, along v, is Jv.

    Source: the double backward of CFKD's optimiser (The original, exactly, section 5.2, step 8).
    """

    def __init__(self, problem: Residuals) -> None:
        self._problem = problem
        self.preconditioner = problem.preconditioner

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            residuals = self._problem.residuals(x)
            dummy = torch.zeros_like(residuals, requires_grad=True)
            (pulled,) = torch.autograd.grad(residuals, x, dummy, create_graph=True)

        def pull_back(u: Float[Tensor, "residuals"]) -> Vector:
            (product,) = torch.autograd.grad(residuals, x, u, retain_graph=True)
            return product

        def operator(v: Vector) -> Vector:
            (pushed,) = torch.autograd.grad(pulled, dummy, v, retain_graph=True)
            return pull_back(pushed)

        return -pull_back(residuals.detach()), operator


def conjugate_gradient(
    operator: Operator, rhs: Vector, steps: int, preconditioner: Vector | None = None
) -> Vector:
    """Approximate solution x of `operator`(x) = `rhs`, from x = 0.

    Args:
        operator: a symmetric positive definite product.
        preconditioner: what the residual is divided by, element by element.

    Source: Polak-Ribière with beta clamped at 0, as CFKD's optimiser (The original, exactly,
    section 5.1). It forgives an operator that is not quite symmetric in floating point, where
    Fletcher-Reeves drifts.
    """
    solution = rhs * 0
    residual = rhs
    last: tuple[Vector, Vector, Float[Tensor, ""]] | None = None  # direction, residual, rho
    for _ in range(steps):
        scaled = residual if preconditioner is None else residual / preconditioner
        rho = residual @ scaled
        if rho <= 0:
            break
        direction = scaled
        if last is not None:
            last_direction, last_residual, last_rho = last
            beta = ((rho - last_residual @ scaled) / last_rho).clamp(min=0)
            direction = scaled + beta * last_direction
        product = operator(direction)
        step = rho / (direction @ product)
        solution = solution + step * direction
        last = direction, residual, rho
        residual = residual - step * product
    return solution


def gauss_newton(problem: LeastSquares, x: Vector, steps: int, cg_steps: int) -> Vector:
    """`x` after `steps` linearisations, each solved by `cg_steps` of conjugate gradient."""
    for _ in range(steps):
        descent, operator = problem.linearise(x)
        x = x + conjugate_gradient(operator, descent, cg_steps, problem.preconditioner)
    return x
