"""The roofline: what a processor allows a network, from its multiplications and its bytes.

A network that makes many multiplications for each byte is held up by the multiplier, one that
makes few by the memory. Both limits are measured, like the bench's, on one thread.
"""

import time
from dataclasses import dataclass

import torch
from torch import nn

from cfkd_core.benchmarks import cost

_COPIED_BYTES = 2**27  # several times what any cache holds


@dataclass(frozen=True)
class Point:
    """A network under the roof.

    Attributes:
        macs: multiplications with accumulation.
        bytes: maps and weights that its layers read and write, each layer by itself.
        seconds: that it took.
    """

    macs: int
    bytes: int
    seconds: float

    @property
    def intensity(self) -> float:
        """Multiplications a byte."""
        return self.macs / self.bytes

    @property
    def speed(self) -> float:
        """Multiplications a second."""
        return self.macs / self.seconds


def point(net: nn.Module, patch: torch.Tensor, seconds: float) -> Point:
    """Where a network lies that took so many seconds for a patch."""
    layers = cost.layer_costs(net, patch)
    return Point(sum(each.macs for each in layers), sum(each.bytes for each in layers), seconds)


def memory_bandwidth(repeats: int = 5) -> float:
    """Bytes read and written a second, in the best of a few copies of a large array."""
    source = torch.ones(_COPIED_BYTES, dtype=torch.uint8)
    target = torch.empty_like(source)
    target.copy_(source)  # the first one waits for the system's pages
    return 2 * _COPIED_BYTES / min(_seconds(source, target) for _ in range(repeats))


def _seconds(source: torch.Tensor, target: torch.Tensor) -> float:
    start = time.thread_time()
    target.copy_(source)
    return time.thread_time() - start


def ceiling(intensity: float, peak: float, bandwidth: float) -> float:
    """Multiplications a second that cannot be passed.

    Source: Williams, Waterman and Patterson, Roofline (2009), with a multiplication and its
        addition counted as one.

    Args:
        intensity: multiplications a byte.
        peak: multiplications a second.
        bandwidth: bytes a second.
    """
    return min(peak, intensity * bandwidth)
