"""What appears in a synthetic film: the camera and the objects, each a function of time.

Time is counted in frames and is continuous, so that an exposure has moments between frames.
"""

import bisect
import functools
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from cfkd_core.datasets.photographs import Cutout, Outline, cutout

WIDTH, HEIGHT = 320, 240

Number = int | float
Keys = Mapping[int, Number | tuple[Number, ...]]
"""Values in some frames; `at` joins them smoothly."""


def at(keys: Keys, t: float) -> Float[np.ndarray, "k"]:
    """The value at time `t`: cubic between the keys (Catmull-Rom), constant outside them."""
    times, values, slopes = _joined(tuple(keys.items()))
    i = bisect.bisect_right(times, t) - 1
    if i < 0 or i == len(times) - 1:
        return values[max(i, 0)]
    span = times[i + 1] - times[i]
    u = (t - times[i]) / span
    start = (1 + 2 * u) * (1 - u) ** 2 * values[i] + u * (1 - u) ** 2 * span * slopes[i]
    end = u**2 * (3 - 2 * u) * values[i + 1] + u**2 * (u - 1) * span * slopes[i + 1]
    return start + end


@functools.cache
def _joined(
    keys: tuple[tuple[int, Number | tuple[Number, ...]], ...],
) -> tuple[list[int], Float[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Times, values and slopes of some keys."""
    times = [time for time, _ in keys]
    values = np.array([np.atleast_1d(value) for _, value in keys], dtype=np.float64)
    slopes = np.gradient(values, times, axis=0) if len(times) > 1 else np.zeros_like(values)
    return times, values, slopes


@dataclass(frozen=True)
class CameraPath:
    """What moves the backdrop through the picture.

    Attributes:
        pan: the point of the backdrop photograph, in px of its file, at the picture's centre.
        zoom: px of the picture per px of the photograph.
        roll: degrees, clockwise.
        shake: how far a hand shakes the picture, px.
    """

    pan: Keys
    zoom: Keys
    roll: Keys
    shake: float

    def matrix(self, t: float, phases: Float[np.ndarray, "k"]) -> Float[np.ndarray, "3 3"]:
        """Photograph -> picture, without the shake."""
        zoom, roll = at(self.zoom, t)[0], np.radians(at(self.roll, t)[0])
        turn = zoom * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        shift = np.array([WIDTH / 2, HEIGHT / 2]) - turn @ at(self.pan, t)
        matrix = np.eye(3)
        matrix[:2] = np.column_stack([turn, shift + self.shaken(t, phases)])
        return matrix

    def shaken(self, t: float, phases: Float[np.ndarray, "k"]) -> Float[np.ndarray, "2"]:
        """Displacement of the whole picture at time `t`, px."""
        speeds = np.array([0.21, 0.37, 0.58, 0.83])
        waves = np.sin(speeds * t + phases.reshape(2, 4)) / [1.0, 1.4, 2.0, 2.8]
        return self.shake * waves.sum(axis=1)


@dataclass(frozen=True)
class Actor:
    """An object in the film.

    Attributes:
        cutout: key of `OUTLINES`, or an outline.
        path: where its middle is: px of the picture; px of the backdrop photograph if `fixed`.
        size: its longer side at rest, px of the picture; px of the photograph if `fixed`.
        fixed: stands in the scene and moves with the backdrop.
        angle: turn in the picture plane, degrees, clockwise.
        yaw: turn out of the picture plane about its upright axis, degrees.
        warp: amplitude of its bending, as a share of `size`.
        back: the cutout that shows as it turns away; its own mirror image if none is named.
        tint: factors for R, G, B.
    """

    cutout: str | Outline
    path: Keys
    size: Keys
    fixed: bool = False
    angle: Keys | None = None
    yaw: Keys | None = None
    warp: Keys | None = None
    back: str | Outline = ""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def value(self, name: str, t: float) -> float:
        """`angle`, `yaw` or `warp` at time `t`; 0 for what is not given."""
        keys = getattr(self, name)
        return 0.0 if keys is None else float(at(keys, t)[0])

    def matrix(self, t: float, camera: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
        """Px of the cutout -> px of the picture: a flat thing turned in space, seen in perspective.

        Args:
            camera: photograph -> picture for a fixed actor; picture -> shaken picture for others.
        """
        extent = cutout(self.cutout).extent
        longest = extent[2:].max()
        scale = at(self.size, t)[0] / longest
        angle, yaw = np.radians([self.value("angle", t), self.value("yaw", t)])
        centred = np.eye(3)
        centred[:2, 2] = -(extent[:2] + extent[2:] / 2)
        # yaw moves x into depth; the eye is three of the longer sides away
        turned = np.diag([np.cos(yaw), 1.0, 1.0])
        turned[2, 0] = np.sin(yaw) / (3 * longest)
        placed = np.eye(3)
        placed[:2, :2] = scale * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        placed[:2, 2] = at(self.path, t)
        return camera @ placed @ turned @ centred

    def outline(self, t: float, matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "n 2"]:
        """Its edge in px of the picture, given `matrix` at this time."""
        cut = cutout(self.cutout)
        points = _bent(cut.outline, self.value("warp", t), cut.extent[2:].max(), t)
        return cv2.perspectiveTransform(points[None], matrix)[0]

    def draw(
        self, picture: Float[np.ndarray, "h w 3"], t: float, matrix: Float[np.ndarray, "3 3"]
    ) -> None:
        """Paints the actor over `picture`, given `matrix` at this time."""
        outline = self.outline(t, matrix)
        margin = 4
        low = np.clip(np.floor(outline.min(axis=0)) - margin, 0, [WIDTH, HEIGHT]).astype(int)
        high = np.clip(np.ceil(outline.max(axis=0)) + margin, 0, [WIDTH, HEIGHT]).astype(int)
        if (high <= low).any():
            return
        cut = cutout(self.cutout)
        # the smallest level that still has a pixel for every pixel of the picture
        shrink = cut.extent[2:].max() / np.ptp(outline, axis=0).max()
        level = int(np.clip(np.floor(np.log2(max(shrink, 1.0))), 0, len(cut.levels) - 1))
        enlarge = np.diag([2.0**level, 2.0**level, 1.0])
        corner = np.eye(3)
        corner[:2, 2] = -low
        layer = cv2.warpPerspective(
            _costume(self, cut, level, t),
            from_pixel_centres(corner @ matrix @ enlarge),
            tuple((high - low).tolist()),
        )
        region = picture[low[1] : high[1], low[0] : high[0]]
        region *= 1 - layer[..., 3:] / 255
        region += layer[..., :3] * np.array(self.tint, dtype=np.float32)


def _sway(
    places: Float[np.ndarray, "*n"], amplitude: float, side: float, period: float, phase: float
) -> Float[np.ndarray, "*n"]:
    """How far a bent object is displaced at `places` along it, in the direction across."""
    return amplitude * side * np.sin(2 * np.pi * places / (period * side) + phase)


def _bend_x(y: Float[np.ndarray, "*n"], amplitude: float, side: float, t: float):
    return _sway(y, amplitude, side, 1.1, 0.19 * t)


def _bend_y(x: Float[np.ndarray, "*n"], amplitude: float, side: float, t: float):
    return _sway(x, amplitude, side, 1.3, 0.26 * t)


def _bent(
    points: Float[np.ndarray, "n 2"], amplitude: float, side: float, t: float
) -> Float[np.ndarray, "n 2"]:
    """Where bending carries `points`.

    The picture takes its pixel p from p + bend(p), so a point q goes to p = q - bend(p), which is
    solved by iteration: bending contracts by 0.6 at amplitude 0.1, and 25 steps leave 1e-5 of it.
    """
    moved = points
    for _ in range(25 if amplitude else 0):
        x, y = moved.T
        bend = [_bend_x(y, amplitude, side, t), _bend_y(x, amplitude, side, t)]
        moved = points - np.column_stack(bend)
    return moved


def from_pixel_centres(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """`matrix` for OpenCV, which has pixel centres at whole numbers; ours are at halves."""
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.linalg.inv(half) @ matrix @ half


def _costume(actor: Actor, cut: Cutout, level: int, t: float) -> Float[np.ndarray, "h w 4"]:
    """The cutout as the actor wears it: bent, and changed as it turns away."""
    sprite = cut.levels[level]
    amplitude, yaw = actor.value("warp", t), np.radians(actor.value("yaw", t))
    if yaw:
        back = cutout(actor.back).levels[level] if actor.back else 0.8 * sprite
        sprite = _turned(sprite, back, yaw)
    if amplitude:
        side = cut.extent[2:].max() / 2**level
        rows, columns = (np.arange(length, dtype=np.float32) for length in sprite.shape[:2])
        sprite = cv2.remap(
            sprite,
            columns + _bend_x(rows + 0.5, amplitude, side, t)[:, None].astype(np.float32),
            rows[:, None] + _bend_y(columns + 0.5, amplitude, side, t).astype(np.float32),
            cv2.INTER_LINEAR,
        )
    return sprite


def _turned(
    sprite: Float[np.ndarray, "h w 4"], back: Float[np.ndarray, "_ _ 4"], yaw: float
) -> Float[np.ndarray, "h w 4"]:
    """`sprite` with its far side darker, and the mirrored `back` showing through its front."""
    height, width = sprite.shape[:2]
    mirrored = cv2.flip(cv2.resize(back, (width, height)), 1)
    through = 0.7 * np.sin(yaw) ** 2 * mirrored[..., 3:] / 255
    colour = sprite[..., :3] * (1 - through) + mirrored[..., :3] * sprite[..., 3:] / 255 * through
    depth = np.linspace(0, 1, width) if yaw > 0 else np.linspace(1, 0, width)
    shade = 1 - 0.5 * abs(np.sin(yaw)) * depth
    return np.concatenate([colour * shade[:, None], sprite[..., 3:]], axis=2).astype(np.float32)
