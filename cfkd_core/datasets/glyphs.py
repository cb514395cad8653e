"""Small pictures of digits, drawn: a toy set for experiments that must take seconds.

Strokes of OpenCV's typefaces, turned, stretched, moved, blurred and covered with noise. Some digits
resemble each other more than others, as handwritten ones do.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

SIDE = 14
"""Rows and columns of a glyph, px."""

_FACES = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_PLAIN,
)  # fmt: skip
_CANVAS = 56  # px; drawn large, then made small


class Glyphs(NamedTuple):
    """Pictures and what they show.

    Attributes:
        images: bright on dark, about [0, 1] before the noise.
        digits: 0 to 9.
    """

    images: Float[Tensor, "n 1 14 14"]
    digits: Int[Tensor, "n"]


def draw(count: int, seed: int, *, noise: float = 0.1) -> Glyphs:
    """`count` glyphs, all digits alike often; the same for the same seed.

    Args:
        noise: standard deviation of what is added to each px.
    """
    generator = np.random.default_rng(seed)
    digits = np.arange(count) % 10
    drawn = [_glyph(int(digit), generator) for digit in digits]
    images = np.array(drawn).reshape(count, SIDE, SIDE)
    images = images + noise * generator.standard_normal(images.shape)
    order = generator.permutation(count)
    return Glyphs(
        torch.from_numpy(images[order].astype(np.float32))[:, None], torch.from_numpy(digits[order])
    )


def _glyph(digit: int, generator: np.random.Generator) -> Float[np.ndarray, "14 14"]:
    canvas = np.zeros((_CANVAS, _CANVAS), np.uint8)
    face = int(generator.choice(_FACES))
    thickness = int(generator.integers(2, 7))
    (width, height), _ = cv2.getTextSize(str(digit), face, 1.0, thickness)
    size = 0.72 * _CANVAS / height
    place = ((_CANVAS - size * width) / 2, (_CANVAS + size * height) / 2)
    cv2.putText(
        canvas, str(digit), (round(place[0]), round(place[1])), face, size, 255, thickness,
        cv2.LINE_AA,
    )  # fmt: skip
    angle = np.deg2rad(generator.uniform(-20, 20))
    zoom = generator.uniform(0.8, 1.15, 2)
    shear = generator.uniform(-0.2, 0.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[zoom[0], shear], [0, zoom[1]]])
    middle = np.full(2, _CANVAS / 2)
    offset = middle - linear @ middle + generator.uniform(-3, 3, 2)
    moved = cv2.warpAffine(canvas, np.column_stack([linear, offset]), (_CANVAS, _CANVAS))
    blurred = cv2.GaussianBlur(moved, (0, 0), generator.uniform(0.8, 2.0))
    return cv2.resize(blurred, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / 255.0
