"""The samples that the classifier remembers, and how much each counts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.tracking.strip import Strip


@dataclass(frozen=True)
class MemoryOptions:
    """How much is remembered and how fast it fades.

    Source: The original, exactly, sections 5.1 and 5.3.
    """

    capacity: int = 250
    learning_rate: float = 0.01  # weight of a new sample
    hard_negative_learning_rate: float = 0.02
    initial_share: float = 0.25  # the first frame never counts less than this; 0 lets it be lost


Label = Callable[[Float[np.ndarray, "n 2"]], Float[Tensor, "n h w"]]
"""The labels of samples whose targets are so many patch px (x, y) off the middle."""


class SampleMemory:
    """Projected samples, where the target is in them, and weights; the first frame's come first.

    Labels are drawn when a filter is fitted to them, which is not in every frame.

    Attributes:
        samples: one in each slot; zeros in empty ones.
        shifts: (x, y) of each target from the middle of its patch, patch px.
        weights: sum to 1 over the filled slots, 0 in empty ones; in the main memory, as all that
            is done with them is small.
        filled: how many slots are in use.

    Args:
        shifts: of the first samples.
        label: draws labels from shifts.
        kernel: cells a side of the filter that is fitted to them.
    """

    def __init__(
        self,
        samples: Float[Tensor, "d n h w"],
        shifts: Float[np.ndarray, "n 2"],
        label: Label,
        options: MemoryOptions,
        kernel: int,
    ) -> None:
        self.options = options
        self._label = label
        self.initial = self.filled = samples.shape[1]
        channels, _, height, width = samples.shape
        self._strip = Strip(channels, options.capacity, (height, width), kernel, samples)
        self.samples = self._strip.samples
        self.shifts = np.zeros((options.capacity, 2))
        self.weights = np.zeros(options.capacity)
        self.samples[:, : self.initial] = samples
        self.shifts[: self.initial] = shifts
        self.weights[: self.initial] = 1 / self.initial
        self._latest: int | None = None

    def all_slots(self) -> tuple[Strip, Tensor, Tensor]:
        """Samples, labels and weights, also of slots that are empty."""
        labels = self._label(self.shifts)
        labels[self.filled :] = 0
        return self._strip, labels, self._as_tensor(self.weights)

    def filled_slots(self) -> tuple[Strip, Tensor, Tensor]:
        """The same without empty slots, of weight 0, for whom a fit makes no difference."""
        labels = self._label(self.shifts[: self.filled])
        return self._strip, labels, self._as_tensor(self.weights[: self.filled])

    def insert(
        self,
        sample: Float[Tensor, "d h w"],
        shift: Float[np.ndarray, "2"],
        learning_rate: float,
    ) -> None:
        """Stores a sample over the one that counts least, and lets the others fade.

        Source: The original, exactly, section 5.3, step 8.
        Differs: after the first frame's share is restored the weights sum to exactly 1; CFKD leaves
            them a percent or so above.
        """
        slot = self._slot()
        if self._latest is None:
            self.weights /= 1 - learning_rate
            self.weights[slot] = learning_rate
        else:
            self.weights[slot] = self.weights[self._latest] / (1 - learning_rate)
        self.weights /= self.weights.sum()
        self._keep_initial_share()
        self.samples[:, slot] = sample
        self.shifts[slot] = shift
        self.filled = max(self.filled, slot + 1)
        self._latest = slot

    def _slot(self) -> int:
        first = self.initial if self.options.initial_share > 0 else 0
        return first + int(np.argmin(self.weights[first:]))

    def _as_tensor(self, weights: Float[np.ndarray, "n"]) -> Float[Tensor, "n"]:
        return torch.from_numpy(weights).to(self.samples)

    def _keep_initial_share(self) -> None:
        share = self.options.initial_share
        initial, later = self.weights[: self.initial], self.weights[self.initial :]
        if share > 0 and initial.sum() < share:
            later *= (1 - share) / later.sum()
            initial[:] = share / self.initial
