"""A short film made of photographs: a backdrop, a camera, and objects that move before it.

Everything is a smooth function of time, counted in frames, so any frame can be rendered without
those before it, and motion blur is the mean of moments within one exposure. Boxes come from the
objects' outlines, not from pixels: they are exact.
"""

import collections.abc
import functools
import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from cfkd_core.boxes import centre
from cfkd_core.datasets.actors import HEIGHT, WIDTH, Actor, CameraPath, Keys, at, from_pixel_centres
from cfkd_core.datasets.photographs import KEPT, Picture, mask, photograph
from cfkd_core.datasets.sequence import Frame, Sequence

# A target of which less than this share shows is hidden: no box, not visible.
HIDDEN = 0.02

# Moments in one exposure: enough that a smear shows no separate edges.
MOMENTS = 7


@dataclass(frozen=True)
class Scene:
    """A film with one target, and its ground truth.

    Attributes:
        backdrop: key of `PHOTOGRAPHS`, or a picture.
        behind, before: other actors, drawn before and after the target; those after hide it.
        length: number of frames.
        exposure: share of the time from frame to frame that the shutter is open.
        light: brightness of the whole picture.
        shadow: x of the edge of a shadow that lies to the left of it, px; none if not given.
        grey: a film without colour.
    """

    name: str
    backdrop: str | Picture
    target: Actor
    camera: CameraPath
    behind: tuple[Actor, ...] = ()
    before: tuple[Actor, ...] = ()
    length: int = 75
    exposure: float = 0.0
    light: Keys | None = None
    shadow: Keys | None = None
    grey: bool = False

    @functools.cached_property
    def phases(self) -> Float[np.ndarray, "8"]:
        """The hand's shake, seeded by the scene's name."""
        seed = zlib.crc32(self.name.encode())
        return np.random.default_rng(seed).uniform(0, 2 * np.pi, 8)

    def place(self, actor: Actor, t: float) -> Float[np.ndarray, "3 3"]:
        """Px of an actor's cutout -> px of the picture."""
        if actor.fixed:
            return actor.matrix(t, self.camera.matrix(t, self.phases))
        shake = np.eye(3)
        shake[:2, 2] = self.camera.shaken(t, self.phases)
        return actor.matrix(t, shake)

    def outline(self, actor: Actor, t: float) -> Float[np.ndarray, "n 2"]:
        """The edge of an actor at time `t`, px of the picture."""
        return actor.outline(t, self.place(actor, t))

    @functools.cached_property
    def extents(self) -> Float[np.ndarray, "t 4"]:
        """Box around the target's whole outline in each frame, hidden or not."""
        outlines = [self.outline(self.target, float(t)) for t in range(self.length)]
        low = np.array([outline.min(axis=0) for outline in outlines])
        high = np.array([outline.max(axis=0) for outline in outlines])
        return np.concatenate([low, high - low], axis=1)

    @functools.cached_property
    def shares(self) -> Float[np.ndarray, "t 2"]:
        """Shares of the target's area: within the picture, and there with nothing before it."""
        return np.array([self._shares(float(t)) for t in range(self.length)])

    def _shares(self, t: float) -> tuple[float, float]:
        outline = self.outline(self.target, t)
        low = np.clip(np.floor(outline.min(axis=0)), 0, [WIDTH, HEIGHT])
        width, height = np.clip(np.ceil(outline.max(axis=0)) - low, 0, [WIDTH, HEIGHT] - low)
        if width == 0 or height == 0:
            return 0.0, 0.0
        window = int(width), int(height)
        x, y = outline.T
        area = abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2
        within = mask(outline - low, *window)
        clear = within
        for actor in self.before:
            clear = clear * (1 - mask(self.outline(actor, t) - low, *window))
        return float(within.sum()) / area, float(clear.sum()) / area

    @property
    def visible(self) -> Bool[np.ndarray, "t"]:
        """Frames in which the target shows."""
        return self.shares[:, 1] >= HIDDEN

    @property
    def boxes(self) -> Float[np.ndarray, "t 4"]:
        """`extents` where the target is visible, NaN elsewhere."""
        return np.where(self.visible[:, None], self.extents, np.nan)

    def lit(self, t: float, x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Brightness at the columns `x` of the picture; 1 for the photographs as they are."""
        gain = 1.0 if self.light is None else at(self.light, t)[0]
        if self.shadow is None:
            return np.full_like(x, gain)
        edge = at(self.shadow, t)[0]
        return gain * (1 - 0.62 / (1 + np.exp((x - edge) / 14)))

    def render(self, t: int) -> Frame:
        """Frame `t`, RGB."""
        spread = np.linspace(-0.5, 0.5, MOMENTS) if self.exposure else np.zeros(1)
        moments = (t + self.exposure * spread).tolist()
        seen = functools.reduce(np.add, map(self._moment, moments))
        picture: np.ndarray = seen / len(moments)
        picture *= self.lit(float(t), np.arange(WIDTH) + 0.5).astype(np.float32)[None, :, None]
        if self.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        picture += _noise(self.name, t)
        return picture.clip(0, 255).astype(np.uint8)

    def _moment(self, t: float) -> Float[np.ndarray, "h w 3"]:
        """The scene as a shutter without duration would see it."""
        camera = self.camera.matrix(t, self.phases)
        backdrop = cv2.warpAffine(
            _four_channels(self.backdrop),
            from_pixel_centres(camera)[:2],
            (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        picture = backdrop[..., :3].astype(np.float32)
        for actor in (*self.behind, self.target, *self.before):
            actor.draw(picture, t, self.place(actor, t))
        return picture

    def sequence(self, length: int | None = None) -> Sequence:
        """The film as a benchmark has it, or its first `length` frames."""
        film = self if length is None else replace(self, length=min(length, self.length))
        return Sequence(
            name=film.name,
            frames=SceneFrames(film),
            boxes=film.boxes,
            visible=film.visible,
            attributes=attributes(film),
        )


class SceneFrames(collections.abc.Sequence):
    """Frames of a scene, each rendered when it is asked for."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def __len__(self) -> int:
        return self.scene.length

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]  # no slices
        return self.scene.render(range(len(self))[index])


@functools.lru_cache(KEPT)
def _four_channels(picture: str | Picture) -> UInt8[np.ndarray, "h w 4"]:
    """A picture with a channel to spare: OpenCV warps four twice as fast as three."""
    image = photograph(picture)
    return np.dstack([image, image[..., :1]])


@functools.cache
def _grain() -> Float[np.ndarray, "h w 3"]:
    """A plate of sensor noise larger than the picture."""
    noise = np.random.default_rng(0).normal(0, 2.5, (HEIGHT + 64, WIDTH + 64, 3))
    return noise.astype(np.float32)


def _noise(name: str, t: int) -> Float[np.ndarray, "h w 3"]:
    """A part of the plate that differs from frame to frame."""
    x, y = divmod(zlib.crc32(f"{name} {t}".encode()) % 4096, 64)
    return _grain()[y : y + HEIGHT, x : x + WIDTH]


def attributes(scene: Scene) -> frozenset[str]:
    """OTB's codes for what makes a scene hard, measured in the scene itself.

    Source: thresholds of FM, SV and LR are those of Wu, Lim, Yang, Object Tracking Benchmark,
        PAMI 2015, table 2; the others have no number there and one of ours here.
    """
    box, within, clear = scene.boxes[scene.visible], *scene.shares.T
    area = box[:, 2] * box[:, 3]
    steps = np.linalg.norm(np.diff(centre(scene.boxes), axis=0), axis=1)
    fastest = np.nan_to_num(steps).max(initial=0.0)
    columns = centre(scene.extents)[:, :1]
    lit = [scene.lit(float(t), column) for t, column in enumerate(columns)]
    alike = {scene.target.cutout, scene.target.back}
    found = {
        "FM": fastest > 20,
        "SV": (area > 2 * area[0]).any() or (area < area[0] / 2).any(),
        "LR": (area < 400).any(),
        "OV": (within < 0.9).any(),
        "OCC": (clear < 0.9 * within).any(),
        "IV": np.max(lit) > 1.5 * np.min(lit),
        "MB": scene.exposure * fastest > 5,
        "DEF": _range(scene, "warp") > 0.03,
        "IPR": _range(scene, "angle") > 20,
        "OPR": _range(scene, "yaw") > 20,
        "BC": any(actor.cutout in alike for actor in (*scene.behind, *scene.before)),
    }
    return frozenset(code for code, present in found.items() if present)


def _range(scene: Scene, name: str) -> float:
    return float(np.ptp([scene.target.value(name, float(t)) for t in range(scene.length)]))
