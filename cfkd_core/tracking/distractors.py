"""DRNet's loss for the online filter: what it scores worst counts most."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.tracking.classifier import FilterProblem, mlu, mlu_slope
from cfkd_core.tracking.optimise import Operator, Vector
from cfkd_core.tracking.strip import Padded


class DistractorProblem(FilterProblem):
    r"""`FilterProblem` in which each sample's misfit counts by its worst cell.

    With the misfit :math:`e_i = \mathrm{mlu}(x_i * f) - y_i` and its height
    :math:`h_i = \max |e_i| + 0.01`, the residuals are

    .. math:: r_i = \sqrt{w_i} \, \exp(m_i) \, e_i, \qquad m_i = h_i / \max_j h_j.

    The factor depends on the filter, and its slope is part of the Jacobian: through the worst cell
    of the sample itself, and through that of the worst sample of all.

    Source: The original, exactly, section 5.7 (alpha 0, beta -1); Bai et al.'s DRNet,
        pytracking/tracker/drnet/optim.py, for the order of the two weights: the height is taken
        before w_i is applied.
    """

    def residuals(self, x: Vector) -> Float[Tensor, "residuals"]:
        """Half the sum of their squares is minimised; `x` is the filter, flat."""
        misfit = self.misfit(x)
        height = misfit.abs().amax((1, 2)) + 0.01
        factor = (height / height.amax()).exp()[:, None, None]
        fit = factor * self.weights.sqrt() * misfit
        return torch.cat([fit.flatten(), self.regularisation**0.5 * x])

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`."""
        samples, count = self.samples, len(self.labels)
        scores = samples.correlate(x.view(self.shape), count)
        slope = mlu_slope(scores)
        misfit = (mlu(scores) - samples.pad(self.labels)) * samples.inside
        worst = misfit.abs().flatten(1).argmax(1, keepdim=True)
        signed = misfit.flatten(1).gather(1, worst)
        sign, height = signed.sign()[:, 0], signed.abs()[:, 0] + 0.01
        highest = height.argmax()
        share = height / height[highest]
        factor = self.weights.sqrt() * share.exp()[:, None, None] * samples.inside

        def push_forward(v: Vector) -> Padded:
            moved = slope * samples.correlate(v.view(self.shape), count)
            raised = sign * moved.flatten(1).gather(1, worst)[:, 0]
            more = (raised - share * raised[highest]) / height[highest]
            return factor * (moved + misfit * more[:, None, None])

        def pull_back(maps: Padded) -> Vector:
            pulled = factor * maps
            more = (pulled * misfit).sum((1, 2)) / height[highest]
            more[highest] -= more @ share
            pulled.flatten(1).scatter_add_(1, worst, (sign * more)[:, None])
            return samples.gradient(slope * pulled).flatten()

        def operator(v: Vector) -> Vector:
            return pull_back(push_forward(v)) + self.regularisation * v

        return -pull_back(factor * misfit) - self.regularisation * x, operator
