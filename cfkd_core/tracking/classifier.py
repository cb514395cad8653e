"""The online classifier: a two-layer correlation filter that scores each cell of a search patch.

A 1x1 projection compresses the block 4 features, a small filter correlates them; both are learnt
in the first frame, the filter alone afterwards. Samples are kept channels first, `(d n h w)`.

Each problem is stated twice: `residuals` is what is to be small, `linearise` what conjugate
gradient needs of it, worked out by hand on a `Strip` of samples.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from cfkd_core.tracking.optimise import ByAutograd, Operator, Vector, gauss_newton
from cfkd_core.tracking.strip import Filter, Maps, Strip

Samples = Float[Tensor, "d n h w"]

_NOTHING = 1e-10  # mean square of features that are no more than rounding


@dataclass(frozen=True)
class ClassifierOptions:
    """What the classifier is and how long it learns.

    Source: The original, exactly, sections 5.1 and 5.2.
    """

    channels: int = 64  # compressed width d; 32 for mATOM (The original, exactly, section 2.4)
    kernel: int = 4  # cells a side; even, so a centred target peaks at cell h / 2
    filter_regularisation: float = 0.1
    projection_regularisation: float = 1e-4
    gauss_newton_steps: int = 6  # first frame
    conjugate_gradient_steps: int = 10  # in each of them
    update_steps: int = 5  # conjugate gradient, later frames


def normalise(features: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Features scaled to a mean square of 1 over each sample.

    Source: The original, exactly, section 1.1.
    """
    return features / (features.square().mean((1, 2, 3), keepdim=True) + _NOTHING).sqrt()


def correlate(samples: Samples, weights: Filter) -> Maps:
    """Score maps of the size of the samples, zero beyond their border.

    For an even kernel k the response at cell y covers cells y - k/2 to y + k/2 - 1.
    """
    height, width = samples.shape[2:]
    padding = weights.shape[-1] // 2
    scores = functional.conv2d(samples.transpose(0, 1), weights[None], padding=padding)
    return scores[:, 0, :height, :width]


def mlu(scores: Maps) -> Maps:
    """Identity above 0, a soft floor of -0.05 below, so that all-negative cells cost little.

    Source: The original, exactly, section 5.2, step 8.
    """
    return torch.where(scores > 0, scores, 0.05 * torch.expm1(20 * scores.clamp(max=0)))


def mlu_slope(scores: Maps) -> Maps:
    """The derivative of `mlu`."""
    return torch.exp(20 * scores.clamp(max=0))


class FilterProblem:
    """Fit the filter to labels, projected samples fixed. Source: thesis eq. 3.1, p. 24.

    Args:
        samples: the first of them are fitted, as many as there are labels.
        weights: of each sample.
    """

    preconditioner = None

    def __init__(
        self, samples: Strip, labels: Maps, weights: Float[Tensor, "n"], regularisation: float
    ) -> None:
        self.samples, self.labels, self.weights = samples, labels, weights[:, None, None]
        self.regularisation = regularisation
        self.shape = (len(samples.samples), samples.kernel, samples.kernel)  # of the filter

    def misfit(self, x: Vector) -> Maps:
        """What the scores lack to the labels; `x` is the filter, flat."""
        samples = self.samples.samples[:, : len(self.labels)]
        return mlu(correlate(samples, x.view(self.shape))) - self.labels

    def residuals(self, x: Vector) -> Float[Tensor, "residuals"]:
        """Half the sum of their squares is minimised."""
        fit = self.weights.sqrt() * self.misfit(x)
        return torch.cat([fit.flatten(), self.regularisation**0.5 * x])

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`."""
        samples, count = self.samples, len(self.labels)
        weights = self.weights * samples.inside
        scores = samples.correlate(x.view(self.shape), count)
        slope = mlu_slope(scores)
        curvature = weights * slope * slope

        def operator(v: Vector) -> Vector:
            return samples.gram(v.view(self.shape), curvature).flatten() + self.regularisation * v

        misfit = weights * slope * (mlu(scores) - samples.pad(self.labels))
        return -samples.gradient(misfit).flatten() - self.regularisation * x, operator


class JointProblem:
    """Fit projection and filter together, on the first frame's samples.

    A filter f after a projection P is one filter Pᵀf on the unprojected features, and so is each
    of their slopes: that is all that the samples are ever correlated with.

    Source: The original, exactly, section 5.2, step 8. The preconditioner divides by the
        regularisation of each part.
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

        Source: The original, exactly, section 5.2, step 6; drawn in the original's order, the
            projection first.
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

    def residuals(self, x: Vector) -> Float[Tensor, "residuals"]:
        """Half the sum of their squares is minimised."""
        weights, projection = self.split(x)
        scores = correlate(project(self.features, projection), weights)
        fit = self.weights.sqrt() * (mlu(scores) - self.labels)
        return torch.cat([fit.flatten(), self.preconditioner.sqrt() * x])

    def linearise(self, x: Vector) -> tuple[Vector, Operator]:
        """See `LeastSquares`; `x` is filter and projection, flat and one after the other."""
        strip, count = self._strip, len(self.labels)
        weights, projection = (part.flatten(1) for part in self.split(x))
        shares = self.weights * strip.inside
        scores = strip.correlate(self._as_filter(projection.T @ weights), count)
        slope = mlu_slope(scores)
        curvature = shares * slope * slope

        def pull_back(gradient: Filter) -> Vector:
            flat = gradient.flatten(1)
            return torch.cat([(projection @ flat).flatten(), (weights @ flat.T).flatten()])

        def operator(v: Vector) -> Vector:
            filter_step, projection_step = (part.flatten(1) for part in self.split(v))
            moved = projection.T @ filter_step + projection_step.T @ weights
            return pull_back(strip.gram(self._as_filter(moved), curvature)) + (
                self.preconditioner * v
            )

        misfit = shares * slope * (mlu(scores) - strip.pad(self.labels))
        return -pull_back(strip.gradient(misfit)) - self.preconditioner * x, operator

    @cached_property
    def _strip(self) -> Strip:
        channels, count, height, width = self.features.shape
        strip = Strip(channels, count, (height, width), self.options.kernel, self.features)
        strip.samples.copy_(self.features)
        return strip

    def _as_filter(self, flat: Float[Tensor, "c taps"]) -> Filter:
        return flat.unflatten(1, (self.options.kernel, self.options.kernel))


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

    def sample(self, block4: Float[Tensor, "c h w"]) -> Float[Tensor, "d h w"]:
        """One patch's features, normalised and projected; scaled last, where they are fewer."""
        flat = block4.flatten(1)
        energy = float(torch.linalg.vector_norm(flat)) ** 2 / flat.numel()
        projected = (self.projection @ flat).mul_((energy + _NOTHING) ** -0.5)
        return projected.view(-1, *block4.shape[1:])

    def score(self, sample: Float[Tensor, "d h w"]) -> Float[Tensor, "h w"]:
        """Raw score map; about 1 on the target, about 0 elsewhere.

        `correlate` as one product, which weighs the channels for each tap, and one sum of shifted
        maps: a convolution of one small map is longer set up than computed.
        """
        kernel, (height, width) = self.options.kernel, sample.shape[1:]
        taps = self.filter.flatten(1).flip(1).T @ sample.flatten(1)
        before = kernel - 1 - kernel // 2  # a tap that looks back moves its map forward
        grown = kernel - 1 - 2 * before
        size = (height + grown, width + grown)
        return functional.fold(taps[None], size, kernel, padding=before)[0, 0, :height, :width]

    def update(
        self,
        samples: Strip,
        labels: Maps,
        weights: Float[Tensor, "n"],
        problem: type[FilterProblem] = FilterProblem,
        *,
        plain: bool = False,
    ) -> None:
        """Fits the filter to the weighted memory, a few steps from where it is.

        Args:
            plain: leaves every slope to autograd.
        """
        posed = problem(samples, labels, weights, self.options.filter_regularisation)
        chosen = ByAutograd(posed) if plain else posed
        solution = gauss_newton(chosen, self.filter.flatten(), 1, self.options.update_steps)
        self.filter = solution.view_as(self.filter)
