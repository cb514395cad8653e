"""The online classifier: a two-layer correlation filter that scores each cell of a search patch.

A 1x1 projection compresses the block 4 features, a small filter correlates them; both are learnt
in the first frame, the filter alone afterwards. Samples are kept channels first, `(d n h w)`, so
that correlation is one matrix product over all samples and a few shifted additions.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core.tracking.optimise import Operator, Vector, gauss_newton

Samples = Float[Tensor, "d n h w"]
Maps = Float[Tensor, "n h w"]
Filter = Float[Tensor, "d k k"]


@dataclass(frozen=True)
class ClassifierOptions:
    """What the classifier is and how long it learns. Source: facts.md 5.1, 5.2."""

    channels: int = 64  # compressed width d; 32 for mATOM (facts.md 2.4)
    kernel: int = 4  # cells a side; even, so a centred target peaks at cell h / 2
    filter_regularisation: float = 0.1
    projection_regularisation: float = 1e-4
    gauss_newton_steps: int = 6  # first frame
    conjugate_gradient_steps: int = 10  # in each of them
    update_steps: int = 5  # conjugate gradient, later frames


def normalise(features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Features scaled to a mean square of 1 over each sample. Source: facts.md 1.1."""
    return features / (features.square().mean((1, 2, 3), keepdim=True) + 1e-10).sqrt()


def correlate(samples: Samples, weights: Filter) -> Maps:
    """Score maps of the size of the samples, zero beyond their border.

    For an even kernel k the response at cell y covers cells y - k/2 to y + k/2 - 1.
    """
    kernel = weights.shape[-1]
    height, width = samples.shape[2:]
    taps = weights.flatten(1).T @ samples.flatten(1)
    before, after = kernel // 2, kernel - 1 - kernel // 2
    padded = functional.pad(
        taps.view(kernel, kernel, *samples.shape[1:]), (before, after, before, after)
    )
    response = torch.zeros_like(samples[0])
    for i in range(kernel):
        for j in range(kernel):
            response += padded[i, j, :, i : i + height, j : j + width]
    return response


def _spread(maps: Maps, kernel: int) -> Float[Tensor, "{kernel}*{kernel} n*h*w"]:
    """Copies of `maps`, one for each tap, moved to the cells that the tap read."""
    height, width = maps.shape[1:]
    before, after = kernel - 1 - kernel // 2, kernel // 2
    padded = functional.pad(maps, (before, after, before, after))
    last = kernel - 1
    copies = [
        padded[:, last - i : last - i + height, last - j : last - j + width]
        for i in range(kernel)
        for j in range(kernel)
    ]
    return torch.stack(copies).flatten(1)


def filter_gradient(samples: Samples, maps: Maps, kernel: int) -> Filter:
    """The adjoint of `correlate` in the filter: <correlate(X, f), m> = <f, gradient(X, m)>."""
    return (samples.flatten(1) @ _spread(maps, kernel).T).view(-1, kernel, kernel)


def sample_gradient(weights: Filter, maps: Maps) -> Samples:
    """The adjoint of `correlate` in the samples."""
    spread = _spread(maps, weights.shape[-1])
    return (weights.flatten(1) @ spread).view(-1, *maps.shape)


def mlu(scores: Maps) -> Maps:
    """Identity above 0, a soft floor of -0.05 below, so that all-negative cells cost little.

    Source: facts.md 5.2, step 8.
    """
    return torch.where(scores > 0, scores, 0.05 * torch.expm1(20 * scores.clamp(max=0)))


def mlu_slope(scores: Maps) -> Maps:
    """The derivative of `mlu`."""
    return torch.exp(20 * scores.clamp(max=0))


class FilterProblem:
    """Fit the filter to labels, projected samples fixed. Source: thesis eq. 3.1, p. 24."""

    preconditioner = None

    def __init__(
        self,
        samples: Samples,
        labels: Maps,
        weights: Float[Tensor, "n"],
        kernel: int,
        regularisation: float,
    ) -> None:
        self.samples, self.labels, self.weights = samples, labels, weights[:, None, None]
        self.kernel, self.regularisation = kernel, regularisation

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`; `x` is the filter, flat."""
        shape = (-1, self.kernel, self.kernel)
        scores = correlate(self.samples, x.view(shape))
        slope = mlu_slope(scores)
        curvature = self.weights * slope * slope

        def pull_back(maps: Maps) -> Vector:
            return filter_gradient(self.samples, maps, self.kernel).flatten()

        def operator(v: Vector) -> Vector:
            maps = curvature * correlate(self.samples, v.view(shape))
            return pull_back(maps) + self.regularisation * v

        misfit = self.weights * slope * (mlu(scores) - self.labels)
        return -pull_back(misfit) - self.regularisation * x, operator


class JointProblem:
    """Fit projection and filter together, on the first frame's samples.

    Source: facts.md 5.2, step 8. The preconditioner divides by the regularisation of each part.
    """

    def __init__(
        self,
        features: Float[Tensor, "c n h w"],
        labels: Maps,
        weights: Float[Tensor, "n"],
        options: ClassifierOptions,
    ) -> None:
        self.features, self.labels, self.weights = features, labels, weights[:, None, None]
        self.options = options
        self.parts = (options.channels * options.kernel**2, options.channels * len(features))
        penalties = (options.filter_regularisation, options.projection_regularisation)
        self.preconditioner = torch.cat(
            [
                features.new_full((part,), penalty)
                for part, penalty in zip(self.parts, penalties, strict=True)
            ]
        )

    def start(self, generator: torch.Generator) -> Vector:
        """A random filter and projection, of deviation 1/numel and 1/sqrt(c).

        Source: facts.md 5.2, step 6; drawn in the original's order, the projection first.
        """
        filter_size, projection_size = self.parts
        projection = torch.randn(projection_size, generator=generator) / len(self.features) ** 0.5
        weights = torch.randn(filter_size, generator=generator) / filter_size
        return torch.cat([weights, projection]).to(self.features)

    def split(self, x: Vector) -> tuple[Filter, Float[Tensor, "d c"]]:
        """Filter and projection, as views of the flat vector."""
        weights, projection = x.split(self.parts)
        kernel = self.options.kernel
        return weights.view(-1, kernel, kernel), projection.view(self.options.channels, -1)

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`; `x` is filter and projection, flat and one after the other."""
        weights, projection = self.split(x)
        samples = project(self.features, projection)
        scores = correlate(samples, weights)
        slope = mlu_slope(scores)
        curvature = self.weights * slope * slope

        def push_forward(v: Vector) -> Maps:
            filter_step, projection_step = self.split(v)
            moved = project(self.features, projection_step)
            return correlate(samples, filter_step) + correlate(moved, weights)

        def pull_back(maps: Maps) -> Vector:
            filter_part = filter_gradient(samples, maps, self.options.kernel)
            samples_part = sample_gradient(weights, maps)
            projection_part = samples_part.flatten(1) @ self.features.flatten(1).T
            return torch.cat([filter_part.flatten(), projection_part.flatten()])

        def operator(v: Vector) -> Vector:
            return pull_back(curvature * push_forward(v)) + self.preconditioner * v

        misfit = self.weights * slope * (mlu(scores) - self.labels)
        return -pull_back(misfit) - self.preconditioner * x, operator


def project(
    features: Float[Tensor, "c n h w"], projection: Float[Tensor, "d c"]
) -> Float[Tensor, "d n h w"]:
    """Features compressed to `d` channels by a 1x1 convolution without bias."""
    return (projection @ features.flatten(1)).view(-1, *features.shape[1:])


class Classifier:
    """Projection and filter of one target.

    Attributes:
        projection: `(d c)`, fixed after the first frame.
        filter: `(d k k)`, updated from the memory.
    """

    def __init__(
        self,
        features: Float[Tensor, "c n h w"],
        labels: Maps,
        options: ClassifierOptions,
        generator: torch.Generator,
    ) -> None:
        """Learns both layers from the first frame's samples, all of equal weight.

        In double precision: in single, rounding in the sixty steps moves the scores by a
        hundredth, and two runtimes whose features differ in the sixth digit track differently.

        Args:
            features: normalised block 4 features of the augmented target patches, channels first.
            labels: a Gaussian at the target of each.
            generator: draws the starting point.
        """
        self.options = options
        count = features.shape[1]
        equal = labels.new_full((count,), 1 / count).double()
        problem = JointProblem(features.double(), labels.double(), equal, options)
        solution = gauss_newton(
            problem,
            problem.start(generator),
            options.gauss_newton_steps,
            options.conjugate_gradient_steps,
        )
        self.filter, self.projection = problem.split(solution.to(features))

    def project(self, features: Float[Tensor, "c n h w"]) -> Samples:
        """Normalised features in the classifier's own channels."""
        return project(features, self.projection)

    def score(self, samples: Samples) -> Maps:
        """Raw score maps; about 1 on the target, about 0 elsewhere."""
        return correlate(samples, self.filter)

    def update(
        self,
        samples: Samples,
        labels: Maps,
        weights: Float[Tensor, "n"],
        problem: type[FilterProblem] = FilterProblem,
    ) -> None:
        """Fits the filter to the weighted memory, a few steps from where it is."""
        kernel, regularisation = self.options.kernel, self.options.filter_regularisation
        posed = problem(samples, labels, weights, kernel, regularisation)
        solution = gauss_newton(posed, self.filter.flatten(), 1, self.options.update_steps)
        self.filter = solution.view_as(self.filter)
