"""What a backbone gives."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

STRIDES = (2, 4, 8, 16)
"""Pixels of the patch per cell of block1 to block4; the same for every backbone."""


class Pyramid(NamedTuple):
    """Feature maps of one batch of patches, finest first.

    ResNet's maps have passed a ReLU. MobileNetV2's block2 to block4 come out of a linear
    projection and may be negative.
    """

    block1: Float[Tensor, "b c1 h1 w1"]
    block2: Float[Tensor, "b c2 h2 w2"]
    block3: Float[Tensor, "b c3 h3 w3"]
    block4: Float[Tensor, "b c4 h4 w4"]
