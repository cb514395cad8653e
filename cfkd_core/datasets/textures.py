"""Surfaces made of numbers alone: clouds, stripes, tiles and cells in colours of their own."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

SIDE = 384


@dataclass(frozen=True)
class Texture:
    """A surface that its seed says all about; it stands in for a photograph."""

    seed: int

    def pixels(self) -> UInt8[np.ndarray, "h w 3"]:
        """The surface, RGB, `SIDE` px high and wide."""
        # a seed of its own kind: the films' are other numbers
        generator = np.random.default_rng((0x7E87, self.seed))
        pattern = (_clouds, _stripes, _tiles, _cells)[generator.integers(4)]
        field = pattern(generator)
        field = 0.8 * field + 0.2 * _clouds(generator)
        colours = generator.uniform(10, 245, (int(generator.integers(3, 6)), 3))
        grey = colours.mean(axis=1, keepdims=True)
        # the world is less colourful than chance
        colours = grey + generator.uniform(0.1, 0.9) * (colours - grey)
        stops = np.linspace(0, 1, len(colours))
        surface = np.stack([np.interp(field, stops, colours[:, i]) for i in range(3)], axis=-1)
        grain = generator.normal(0, 1, (SIDE, SIDE, 1)) * generator.uniform(2, 14)
        return (surface + grain).clip(0, 255).astype(np.uint8)


Field = Float[np.ndarray, "h w"]


def _clouds(generator: np.random.Generator) -> Field:
    """Smooth noise of several sizes, in [0, 1]."""
    rough = generator.uniform(0.4, 0.8)
    field = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(6):
        knots = generator.normal(0, 1, (3 * 2**octave, 3 * 2**octave)).astype(np.float32)
        field += rough**octave * cv2.resize(knots, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return _stretched(field)


def _stripes(generator: np.random.Generator) -> Field:
    """Waves in one direction, bent by clouds."""
    along, _ = _turned(generator)
    bend = generator.uniform(0, 60) * _clouds(generator)
    return _stretched(np.sin((along + bend) * 2 * np.pi / generator.uniform(12, 60)))


def _tiles(generator: np.random.Generator) -> Field:
    """A grid of tiles, each with a level of its own, and darker joints."""
    along, across = (axis / generator.uniform(14, 70) for axis in _turned(generator))
    levels = generator.uniform(0.2, 1, (97, 89))
    tiles = levels[np.floor(across).astype(int) % 97, np.floor(along).astype(int) % 89]
    joint = ((along % 1) < 0.1) | ((across % 1) < 0.1)
    return np.where(joint, 0, tiles)


def _cells(generator: np.random.Generator) -> Field:
    """Patches around random points, each with a level of its own, lighter in its middle."""
    ground = np.full((SIDE, SIDE), 255, np.uint8)
    count = int(generator.integers(40, 500))
    ground[tuple(generator.integers(0, SIDE, (2, count)))] = 0
    distance, labels = cv2.distanceTransformWithLabels(
        ground, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    levels = generator.uniform(0, 1, labels.max() + 1)
    return _stretched(levels[labels] - 0.5 * distance / distance.max())


def _turned(generator: np.random.Generator) -> tuple[Field, Field]:
    """Coordinates along and across a random direction, px."""
    angle = generator.uniform(0, np.pi)
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    return (
        columns * np.cos(angle) + rows * np.sin(angle),
        rows * np.cos(angle) - columns * np.sin(angle),
    )


def _stretched(field: Float[np.ndarray, "h w"]) -> Field:
    """`field` from 0 to 1."""
    return (field - field.min()) / np.ptp(field)
