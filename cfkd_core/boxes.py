"""The box convention, and what can be done to boxes.

A box is (x, y, w, h) in pixels of the frame or patch that the variable names, 0-based, with
continuous edges: pixel i covers [i, i + 1), the centre is x + w / 2. An absent box is NaN.
Functions take tensors or arrays, of any leading shape, and give back what they were given; only
`jitter` and `check` are for arrays alone.
"""

import math
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfkd_core.errors import InputError

Array = TypeVar("Array", Tensor, np.ndarray)
"""A function that is given tensors gives a tensor, one that is given arrays an array."""

Box = Float[Array, "4"]
Boxes = Float[Array, "*n 4"]
Points = Float[Array, "*n 2"]
if TYPE_CHECKING:
    Values = Float[Array, "*#n"]
else:
    Values = Float[Array, "*#n"] | np.floating  # numpy gives a scalar for a single box

# The most by which an offset makes a side longer, as a logarithm.
# Source: The original, exactly, section 5.7.
LARGEST_GROWTH = math.log(1000 / 16)

# Sides between which an area neither vanishes nor overflows, whatever is computed of it.
SHORTEST, LONGEST = 0.01, 1e6

# `jitter` shrinks the noise with each try, and gives up in the end.
# Source: The original, exactly, section 4.
JITTER_DECAY = 0.9
JITTER_TRIES = 100

# A side that noise leaves shorter than 1 px becomes this share of the true one. Source: the same.
SHORT_SIDE = (0.15, 0.5)


def _library(values: Tensor | np.ndarray) -> ModuleType:
    """numpy or torch, whichever `values` belongs to: both name minimum, maximum and stack alike."""
    return torch if isinstance(values, Tensor) else np


def centre(boxes: Boxes) -> Points:
    """Centres (x, y) of boxes."""
    return boxes[..., :2] + boxes[..., 2:] / 2


def from_centre(centres: Points, sizes: Points) -> Boxes:
    """Boxes of `sizes` (w, h) around `centres` (x, y)."""
    return _library(centres).concatenate([centres - sizes / 2, sizes], -1)


def to_xyxy(boxes: Boxes) -> Boxes:
    """Corners (left, top, right, bottom) of boxes."""
    return _library(boxes).concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], -1)


def area(boxes: Boxes) -> Values:
    """Areas in px²; 0 where a side is not positive."""
    return boxes[..., 2].clip(min=0) * boxes[..., 3].clip(min=0)


def iou(first: Float[Array, "*#n 4"], second: Float[Array, "*#n 4"]) -> Values:
    """Intersection over union of boxes matched by position; leading shapes broadcast.

    0 where neither box has an area, NaN where either box is absent.

    Source: thesis eq. 4.1, p. 35. Inclusive-pixel toolkits give the same values, because their
    +1 and -1 cancel (OTB's calcRectInt).
    """
    xp = _library(first)
    low = xp.maximum(first[..., :2], second[..., :2])
    high = xp.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    overlap = (high - low).clip(min=0)
    intersection = overlap[..., 0] * overlap[..., 1]
    union = area(first) + area(second) - intersection
    return intersection / xp.where(union == 0, xp.ones_like(union), union)


def encode_offsets(proposals: Float[Array, "*#n 4"], box: Float[Array, "*#n 4"]) -> Boxes:
    """Offsets (dx, dy, dw, dh) from each proposal to `box`: what DRNet's head learns.

    dx and dy are shifts of the centre in units of the proposal's sides, dw and dh logarithms of
    how many times longer the sides are. Both boxes must have an area.

    Source: The original, exactly, section 1.5; Girshick et al., R-CNN (CVPR 2014), appendix C.
    """
    xp, sides = _library(proposals), proposals[..., 2:]
    shift = (centre(box) - centre(proposals)) / sides
    return xp.concatenate([shift, xp.log(box[..., 2:] / sides)], -1)


def decode_offsets(proposals: Float[Array, "*#n 4"], offsets: Float[Array, "*#n 4"]) -> Boxes:
    """The box that each proposal becomes by its offsets; no side grows beyond 62.5 times.

    Source: The original, exactly, section 5.7.
    """
    xp, sides = _library(proposals), proposals[..., 2:]
    middle = centre(proposals) + offsets[..., :2] * sides
    return from_centre(middle, sides * xp.exp(offsets[..., 2:].clip(max=LARGEST_GROWTH)))


def jitter(
    box: Float[np.ndarray, "4"],
    noise: Float[np.ndarray, "p"],
    minimum_iou: float,
    generator: np.random.Generator,
) -> Float[np.ndarray, "p 4"]:
    """Boxes near `box`, each with an IoU above `minimum_iou`.

    Centre and sides get Gaussian noise. Where the overlap is too small, the box is drawn anew
    with less of it; after the last try it is `box` itself.

    Args:
        box: px, with an area.
        noise: standard deviation for each box to be made, in units of sqrt(w h).
        minimum_iou: below 1.

    Source: The original, exactly, section 4.
    Differs: CFKD's code rounds to whole px, so that small noise gives the same few boxes over and
    over; here nothing is rounded. After the last try it keeps the box that overlaps too little.
    """
    middle, size = centre(box), box[2:]
    deviation = noise * np.sqrt(area(box))
    made = np.tile(box, (len(noise), 1))
    pending = np.arange(len(noise))
    for attempt in range(JITTER_TRIES):
        spread = deviation[pending, None] * JITTER_DECAY**attempt
        shift, growth = spread * generator.standard_normal((2, len(pending), 2))
        short = size * generator.uniform(*SHORT_SIDE, (len(pending), 2))
        tried = from_centre(middle + shift, np.where(size + growth > 1, size + growth, short))
        enough = iou(tried, box) > minimum_iou
        made[pending[enough]] = tried[enough]
        pending = pending[~enough]
        if not len(pending):
            break
    return made


def check(box: object, width: int, height: int) -> Float[np.ndarray, "4"]:
    """`box` as four float64 numbers, if a tracker can start from it in a frame of this size.

    Raises:
        InputError: if it is not four finite numbers, has no area, sides that no object has, or lies
            outside the frame.
    """
    try:
        values = np.asarray(box, dtype=np.float64).reshape(-1)
    except (OverflowError, TypeError, ValueError):
        raise InputError(f"box {str(box)[:60]!r}: expected four numbers x, y, w, h") from None
    shown = ",".join(f"{value:g}" for value in values[:9])
    if values.shape != (4,):
        raise InputError(f"box {shown}: expected four numbers x, y, w, h, got {len(values)}")
    if not np.isfinite(values).all():
        raise InputError(f"box {shown}: every number must be finite")
    x, y, w, h = values
    if w <= 0 or h <= 0:
        raise InputError(f"box {shown}: width and height must be positive")
    if not (min(w, h) >= SHORTEST and max(w, h) <= LONGEST):
        raise InputError(f"box {shown}: width and height must be {SHORTEST:g} to {LONGEST:g} px")
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise InputError(f"box {shown}: lies outside the frame of {width} x {height} px")
    return values
