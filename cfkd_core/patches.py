"""Square crops of a frame, and the map between frame and crop: the only place where they meet."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cfkd_core.boxes import Boxes

Pixels = UInt8[np.ndarray, "h w 3"]

_LARGEST_PADDED = 1024  # px: to copy more than that takes longer than the warp which needs no copy


@dataclass(frozen=True)
class Patch:
    """A square crop, resized.

    Attributes:
        pixels: RGB, `size` px a side.
        corner: (x, y) of the patch's top left edge, px of the frame; may lie outside it.
        scale: frame px for each patch px.
    """

    pixels: UInt8[np.ndarray, "s s 3"]
    corner: Float[np.ndarray, "2"]
    scale: float

    @property
    def size(self) -> int:
        """Side in patch px."""
        return self.pixels.shape[0]

    @property
    def middle(self) -> Float[np.ndarray, "2"]:
        """(x, y) of the patch's middle, px of the frame."""
        return self.corner + self.scale * self.size / 2

    def to_patch(self, boxes: Boxes) -> Boxes:
        """Boxes of the frame, in px of the patch."""
        moved = np.array(boxes, dtype=np.float64)
        moved[..., :2] -= self.corner
        return moved / self.scale

    def to_frame(self, boxes: Boxes) -> Boxes:
        """Boxes of the patch, in px of the frame."""
        moved = np.array(boxes, dtype=np.float64) * self.scale
        moved[..., :2] += self.corner
        return moved


def crop(frame: Pixels, centre: Float[np.ndarray, "2"], side: float, size: int) -> Patch:
    """The square of `side` px around `centre`, as `size` x `size` px; the border is replicated.

    Differs: CFKD cuts at whole pixels and decimates before it resizes; this is one bilinear warp,
    so `to_frame` and `to_patch` are exact for every centre and side.
    """
    scale = side / size
    corner = np.asarray(centre, dtype=np.float64) - side / 2
    return Patch(warp(frame, np.eye(2) * scale, corner, size), corner, scale)


def cut(frame: Pixels, corner: tuple[int, int], side: int, size: int) -> Patch:
    """`crop` of whole pixels from `corner` (x, y) on: a slice, resized, in half a warp's time."""
    place = np.array(corner, dtype=np.float64)
    x, y = (_span(at, side, ends) for at, ends in zip(corner, frame.shape[1::-1], strict=True))
    part = frame[y.start : y.stop, x.start : x.stop]
    if part.shape[:2] != (side, side):
        if side > _LARGEST_PADDED:
            return crop(frame, place + side / 2, float(side), size)
        margins = (y.before, y.after, x.before, x.after)
        part = cv2.copyMakeBorder(part, *margins, cv2.BORDER_REPLICATE)
    return Patch(cv2.resize(part, (size, size)), place, side / size)


class _Span(NamedTuple):
    """The pixels of a frame along one side of a square, and how many are missing on either end."""

    start: int
    stop: int
    before: int
    after: int


def _span(at: int, side: int, length: int) -> _Span:
    start = min(max(at, 0), length - 1)
    stop = max(min(at + side, length), start + 1)
    missing = side - (stop - start)
    before = min(max(start - at, 0), missing)
    return _Span(start, stop, before, missing - before)


def warp(
    frame: Pixels, linear: Float[np.ndarray, "2 2"], corner: Float[np.ndarray, "2"], size: int
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """The patch whose point p shows the frame's point `linear` p + `corner`, border replicated.

    Points have continuous edges, while cv2 counts from pixel centres: hence the halves.
    """
    offset = corner + linear @ np.full(2, 0.5) - 0.5
    matrix = np.column_stack([linear, offset])
    return cv2.warpAffine(
        frame,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def to_images(pixels: list[Pixels], device: torch.device) -> Float[Tensor, "b 3 h w"]:
    """A batch for a backbone: RGB in [0, 1]."""
    batch = torch.from_numpy(np.stack(pixels)).to(device)
    return batch.permute(0, 3, 1, 2).float() / 255
