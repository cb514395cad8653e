"""The photographs of the synthetic benchmark, and the objects cut out of them.

Films for training have other pictures: `synthetic_training`.

All are shipped in scikit-image's wheel, in `skimage/data`, and are read from there: nothing is
downloaded. Their authors and licences are in `PHOTOGRAPHS`, and in data/README.md.
"""

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from cfkd_core.datasets.sequence import read_image
from cfkd_core.errors import InputError


@runtime_checkable
class Picture(Protocol):
    """What a film can be made of; hashable, so that its px are kept while they are in use."""

    def pixels(self) -> UInt8[np.ndarray, "h w 3"]:
        """RGB."""

    def __hash__(self) -> int:
        """Equal pictures, equal numbers."""


@dataclass(frozen=True)
class Photograph:
    """A picture of scikit-image's.

    Attributes:
        file: in `skimage/data`.
        credit: who made it, and what allows its use, as scikit-image's own documentation says.
        tint: factors for R, G, B that give a grey photograph a colour of its subject.
    """

    file: str
    credit: str
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def pixels(self) -> UInt8[np.ndarray, "h w 3"]:
        """The photograph, RGB, tinted."""
        # skimage's own loader would look on the network for what its wheel lacks
        found = find_spec("skimage")
        if found is None or found.origin is None:
            raise InputError("scikit-image: not installed, and its photographs with it")
        image = read_image(Path(found.origin).parent / "data" / self.file)
        return (image * np.array(self.tint)).clip(0, 255).astype(np.uint8)


PHOTOGRAPHS = {
    "studio": Photograph("astronaut.png", "NASA, Great Images database; public domain"),
    "park": Photograph("camera.png", "Lav Varshney; CC0"),
    "cat": Photograph("chelsea.png", "Stefan van der Walt; CC0"),
    "table": Photograph("coffee.png", "Rachel Michetti, courtesy of Pikolo Espresso Bar; CC0"),
    "launchpad": Photograph("rocket.jpg", "SpaceX; public domain"),
    "garage": Photograph(
        "motorcycle_left.png",
        "Middlebury 2014 stereo data; free to use and publish, asks to cite Scharstein et al., "
        "High-resolution stereo datasets with subpixel-accurate ground truth, GCPR 2014",
    ),
    "space": Photograph("hubble_deep_field.jpg", "NASA, HubbleSite; public domain"),
    "museum": Photograph(
        "coins.png", "Brooklyn Museum; no known copyright restrictions", tint=(1.08, 0.95, 0.72)
    ),
    "lawn": Photograph("grass.png", "linolafett, DeviantArt; CC0", tint=(0.75, 0.98, 0.45)),
    "gravel": Photograph("gravel.png", "CC0Textures, Gravel04; CC0", tint=(1.05, 0.98, 0.88)),
    "wall": Photograph("brick.png", "CC0Textures, Bricks25; CC0", tint=(1.2, 0.85, 0.7)),
}


# Pictures and cutouts in memory: more than the benchmark has, and no more than a worker can hold.
KEPT = 96


@functools.lru_cache(KEPT)
def photograph(picture: str | Picture) -> UInt8[np.ndarray, "h w 3"]:
    """Px of a picture, or of one of `PHOTOGRAPHS`, RGB."""
    return (PHOTOGRAPHS[picture] if isinstance(picture, str) else picture).pixels()


class Outline(NamedTuple):
    """An object in a picture.

    Attributes:
        picture: key of `PHOTOGRAPHS`, or a picture.
        points: on the object's edge, px of the picture.
    """

    picture: str | Picture
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Cutout:
    """An object cut from a photograph along a smooth outline, with a soft edge.

    Attributes:
        levels: premultiplied RGBA in [0, 255], each half as large as the one before.
        outline: closed curve, px of level 0, continuous edges.
        extent: (x, y, w, h) of the outline.
    """

    levels: tuple[Float[np.ndarray, "_ _ 4"], ...]
    outline: Float[np.ndarray, "n 2"]
    extent: Float[np.ndarray, "4"]


def _disc(x: float, y: float, radius: float) -> tuple[tuple[float, float], ...]:
    """Eight points around a round object."""
    angles = np.arange(8) * np.pi / 4
    return tuple((x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles)


# Photograph, and points on the object's edge in px of the file, drawn by hand.
OUTLINES = {
    "face": (
        "studio",
        ((232, 15), (260, 22), (282, 36), (296, 58), (301, 85), (296, 108), (284, 122), (275, 131),
         (265, 140), (260, 153), (253, 168), (242, 176), (228, 178), (212, 172), (198, 161),
         (188, 149), (184, 134), (174, 128), (164, 118), (156, 104), (153, 82), (155, 62),
         (168, 46), (186, 38), (200, 24), (215, 17)),
    ),
    "shuttle": (
        "studio",
        ((396, 76), (404, 82), (409, 95), (411, 130), (412, 158), (423, 163), (440, 180),
         (453, 205), (453, 226), (436, 226), (420, 225), (414, 240), (406, 250), (394, 242),
         (388, 222), (368, 222), (356, 220), (354, 208), (364, 190), (376, 172), (377, 140),
         (378, 104), (385, 86)),
    ),
    "helmet": (
        "studio",
        ((279, 470), (282, 440), (291, 400), (313, 362), (342, 343), (378, 326), (412, 325),
         (444, 338), (472, 362), (489, 395), (497, 440), (500, 475), (496, 502), (455, 508),
         (400, 509), (340, 509), (290, 505)),
    ),
    "badge": ("studio", _disc(170.5, 385.0, 36.5)),
    "cat": (
        "cat",
        ((62, 40), (100, 14), (150, 5), (210, 3), (270, 5), (318, 22), (348, 55), (360, 100),
         (356, 150), (340, 185), (322, 220), (304, 255), (275, 283), (245, 286), (205, 270),
         (160, 246), (112, 215), (72, 180), (48, 135), (48, 80)),
    ),
    "cup": (
        "table",
        ((171, 100), (178, 68), (200, 40), (240, 23), (288, 17), (340, 30), (375, 54), (397, 88),
         (398, 130), (388, 165), (368, 212), (345, 240), (300, 254), (262, 252), (244, 270),
         (232, 295), (214, 305), (199, 300), (195, 282), (204, 250), (197, 225), (182, 175)),
    ),
    "rocket": (
        "launchpad",
        ((323, 126), (331, 136), (336, 150), (337, 165), (334, 177), (334, 215), (334, 250),
         (323, 253), (310, 250), (310, 215), (310, 177), (308, 165), (309, 150), (315, 136)),
    ),
    "head": (
        "park",
        ((164, 118), (167, 92), (186, 74), (214, 68), (244, 82), (264, 106), (264, 124),
         (254, 140), (250, 158), (252, 170), (245, 188), (232, 199), (212, 192), (196, 190),
         (182, 172), (172, 150)),
    ),
    "motorcycle": (
        "garage",
        ((97, 205), (120, 195), (138, 150), (160, 146), (200, 165), (245, 168), (270, 182),
         (345, 188), (400, 168), (445, 155), (478, 140), (492, 110), (518, 100), (550, 130),
         (560, 165), (556, 210), (590, 264), (640, 284), (666, 320), (684, 370), (682, 415),
         (655, 445), (615, 436), (570, 405), (540, 365), (515, 335), (488, 345), (455, 372),
         (400, 378), (330, 374), (275, 378), (240, 402), (200, 405), (160, 388), (132, 350),
         (122, 300), (130, 262), (112, 245), (98, 228)),
    ),
    "coin": ("museum", _disc(103.0, 196.0, 21.5)),
    "coin_back": ("museum", _disc(212.5, 193.5, 22.5)),
    "pillar": (
        "wall",
        ((150, 20), (185, 14), (220, 20), (224, 130), (218, 250), (225, 380), (220, 490),
         (185, 497), (150, 490), (144, 380), (152, 250), (146, 130)),
    ),
    "bush": (
        "lawn",
        ((60, 180), (90, 110), (150, 90), (200, 50), (270, 70), (330, 60), (390, 110), (410, 190),
         (450, 250), (430, 340), (370, 390), (300, 410), (220, 395), (150, 410), (90, 350),
         (50, 270)),
    ),
    "boulder": (
        "gravel",
        ((100, 200), (150, 120), (230, 90), (310, 100), (380, 160), (420, 240), (400, 330),
         (330, 390), (240, 400), (150, 370), (95, 290)),
    ),
}  # fmt: skip


# Side of the grid that `mask` lays over a pixel.
_FINE = 8


@functools.lru_cache(KEPT)
def cutout(outline: str | Outline) -> Cutout:
    """An outline, or one of `OUTLINES`, cut."""
    source, points = OUTLINES[outline] if isinstance(outline, str) else outline
    image = photograph(source).astype(np.float32)
    curve = closed_curve(np.array(points, dtype=np.float64))
    low, high = curve.min(axis=0), curve.max(axis=0)
    # room for a soft edge, and for a bent shape
    margin = int(0.13 * (high - low).max()) + 6
    padded = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    left, top = np.floor(low).astype(int)
    right, bottom = np.ceil(high).astype(int) + 2 * margin
    part = padded[top:bottom, left:right]
    curve = curve - np.floor(low) + margin
    alpha = mask(curve, part.shape[1], part.shape[0])
    softness = max(0.8, 0.008 * max(part.shape))
    alpha = cv2.GaussianBlur(alpha, (0, 0), softness)
    levels = [np.dstack([part * alpha[..., None], 255 * alpha])]
    while max(levels[-1].shape) > 24:
        levels.append(cv2.pyrDown(levels[-1]))
    extent = np.concatenate([curve.min(axis=0), high - low])
    return Cutout(tuple(levels), curve, extent)


def closed_curve(points: Float[np.ndarray, "n 2"], steps: int = 6) -> Float[np.ndarray, "m 2"]:
    """A smooth closed curve through `points` (Catmull-Rom), `steps` points from one to the next."""
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    beyond = np.roll(points, -2, axis=0)
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (each[:, None, :] for each in (before, points, after, beyond))
    curve = p1 + t / 2 * (
        (p2 - p0) + t * ((2 * p0 - 5 * p1 + 4 * p2 - p3) + t * (3 * (p1 - p2) + p3 - p0))
    )
    return curve.reshape(-1, 2)


def mask(
    outline: Float[np.ndarray, "n 2"], width: int, height: int
) -> Float[np.ndarray, "{height} {width}"]:
    """1 inside a closed curve, 0 outside, the covered share in pixels that it cuts."""
    # OpenCV fills every pixel that the curve touches: a fine canvas makes that a thin margin.
    # It counts from pixel centres, in 1/16 px here.
    fixed = np.round((outline * _FINE - 0.5) * 16).astype(np.int32)
    canvas = np.zeros((height * _FINE, width * _FINE), dtype=np.uint8)
    cv2.fillPoly(canvas, [fixed], 255, shift=4)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA) / np.float32(255)
