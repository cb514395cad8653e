"""The first frame, seen thirty ways: what the classifier learns a new target from."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from cfkd_core.patches import Pixels, warp


@dataclass(frozen=True)
class AugmentOptions:
    """Which views are taken. Source: The original, exactly, section 5.2, step 4."""

    shift: float = 0.6  # of half the patch, along both diagonals
    blurs: tuple[tuple[float, float], ...] = ((0.2, 2), (2, 0.2), (1, 3), (3, 1), (2, 2))  # (x, y)
    angles: tuple[float, ...] = (5, 10, 20, 30, 45, 60)  # degrees, to both sides
    wander: float = 1 / 3  # random shift of flip, blurs and rotations, of the patch
    dropouts: int = 7  # copies of the plain features
    dropout: float = 0.2  # share of channels each loses


class View(NamedTuple):
    """One way to look at the target.

    Attributes:
        shift: (x, y) by which the target leaves the middle, patch px.
        angle: degrees, anticlockwise as seen.
        mirrored: left and right exchanged.
        blur: Gaussian sigma along (x, y), patch px; 0 for none.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    mirrored: bool = False
    blur: tuple[float, float] = (0.0, 0.0)


def views(size: int, options: AugmentOptions, generator: torch.Generator) -> list[View]:
    """The views of a patch of `size` px, the plain one first."""
    reach = options.shift * size / 2
    shifted = [View(shift=(x, y)) for x, y in product((-reach, reach), repeat=2)]
    changed = [
        View(mirrored=True),
        *(View(blur=sigma) for sigma in options.blurs),
        *(View(angle=sign * angle) for angle in options.angles for sign in (1, -1)),
    ]
    wander = (torch.rand(len(changed), 2, generator=generator) - 0.5) * size * options.wander
    wandered = [
        view._replace(shift=(x, y)) for view, (y, x) in zip(changed, wander.tolist(), strict=True)
    ]
    return [View(), *shifted, *wandered]


def render(
    frame: Pixels, centre: Float[np.ndarray, "2"], side: float, size: int, view: View
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """The square of `side` px around `centre`, as `view` shows it.

    Differs: CFKD rotates and shifts a patch of twice the side; this looks the pixels up in the
    frame itself, so only what lies outside the frame is replicated.
    """
    cosine, sine = np.cos(np.deg2rad(view.angle)), np.sin(np.deg2rad(view.angle))
    linear = np.array([[cosine, -sine], [sine, cosine]]) * side / size
    if view.mirrored:
        linear[0] *= -1
    corner = centre - linear @ (np.array(view.shift) + size / 2)
    pixels = warp(frame, linear, corner, size)
    if not any(view.blur):
        return pixels
    return cv2.GaussianBlur(
        pixels, (0, 0), view.blur[0], sigmaY=view.blur[1], borderType=cv2.BORDER_REPLICATE
    )


def drop_channels(
    features: Float[Tensor, "c h w"], options: AugmentOptions, generator: torch.Generator
) -> Float[Tensor, "n c h w"]:
    """Copies of a feature map, each without a random share of its channels."""
    kept = torch.rand(options.dropouts, len(features), generator=generator) >= options.dropout
    return features * (kept / (1 - options.dropout)).to(features)[..., None, None]
