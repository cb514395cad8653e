"""Boxes of another format than x, y, w, h in px: recognised by what no annotation looks like."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from cfkd_core.errors import InputError

# Of 380 annotated sequences (OTB-100, LaSOT's test set, our own) none is taken for corners; of the
# same sequences as corners, two thirds are recognised without knowing the size of the frame.
_OUTSIDE, _FEWEST_OUTSIDE = 1.02, 3
_STEADIER, _FEWEST_MOVING = 0.8, 10


def check_format(path: Path, boxes: Float[np.ndarray, "n 4"], size: tuple[int, int]) -> None:
    """Refuse boxes that are fractions of the frame, or two corners.

    Args:
        path: of the table, for the message.
        boxes: as read; NaN where there is none.
        size: width and height of the frame, px.

    Raises:
        InputError: with the remedy.
    """
    known = boxes[np.isfinite(boxes).all(axis=1)]
    known = known[(known[:, 2:] > 0).all(axis=1)]
    if not len(known):
        return
    if known.max() <= 1.5 and min(size) > 2:
        raise InputError(
            f"{path}: boxes from 0 to 1, as fractions of the frame; multiply x, w by its width "
            f"{size[0]} and y, h by its height {size[1]}"
        )
    if _are_corners(known, size):
        raise InputError(
            f"{path}: boxes look like two corners x1, y1, x2, y2; write x1, y1, x2 - x1, y2 - y1"
        )


def _are_corners(boxes: Float[np.ndarray, "n 4"], size: tuple[int, int]) -> bool:
    """Whether the last two numbers are a corner: beyond the first two, and moving with them."""
    first, last = boxes[:, :2], boxes[:, 2:]
    if not (last > first).all():
        return False
    outside = (first + last > _OUTSIDE * np.array(size)).any(axis=1)
    if outside.mean() > 0.5 and len(boxes) >= _FEWEST_OUTSIDE:
        return True
    if len(boxes) < _FEWEST_MOVING:
        return False
    moved, grown = (np.abs(np.diff(each, axis=0)) for each in (last, last - first))
    steps, changes = moved.mean(axis=0), grown.mean(axis=0)
    steady = (steps > 0.5) & (changes < _STEADIER * steps)
    return bool(steady.any() and (changes <= 1.2 * steps + 0.2).all())
