"""Synthetic films to train on, which share no picture with the synthetic benchmark.

The benchmark's films are made of `photographs.PHOTOGRAPHS`. These are made of textures and of the
photographs below, which are none of those, so a network that was trained here has seen neither
the benchmark's targets nor its backdrops. Targets are random smooth shapes cut out of one picture
before another; motion, light, blur, bending, turning and what passes in front are random too.
Everything follows from a seed and a film's number.
"""

import numpy as np

from cfkd_core.datasets.actors import HEIGHT, WIDTH, Actor, CameraPath, at
from cfkd_core.datasets.photographs import Outline, Photograph, Picture, photograph
from cfkd_core.datasets.scene import Scene, SceneFrames
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.datasets.textures import SIDE, Texture
from cfkd_core.errors import InputError

LENGTH = 40

# Different textures: few enough to stay in memory, `photographs.KEPT`, and many for chance.
TEXTURES = 64

# Shipped in scikit-image's wheel, as the benchmark's are. Licences: its documentation.
PHOTOGRAPHS = (
    Photograph("ihc.png", "Center for Microscopy and Molecular Imaging; no known restrictions"),
    Photograph("retina.jpg", "Mikael Häggström, Medical gallery 2014; CC0"),
    Photograph("text.png", "Wikipedia, Corner.png; public domain", tint=(1.0, 0.95, 0.85)),
    Photograph("cell.png", "Müller et al., Optics Express 26(8), 2018; CC0", tint=(0.8, 1.0, 1.2)),
)

# A photograph takes the place of so large a share of the textures.
PHOTOGRAPH_SHARE = 0.2


def training_films(count: int, seed: int) -> list[Sequence]:
    """`count` films of 40 frames with their boxes; more films of a seed begin with the same ones.

    Boxes are exact, as the benchmark's are; NaN, and `visible` False, where the target is hidden
    or out of the picture. In the first frame its middle is in the picture, and nothing hides it.

    Raises:
        InputError: if `count` is not positive or the seed negative.
    """
    if count < 1 or seed < 0:
        raise InputError(f"{count} films of seed {seed}: give at least one, and no negative seed")
    return [_sequence(training_scene(number, seed)) for number in range(count)]


def _sequence(scene: Scene) -> Sequence:
    return Sequence(
        name=scene.name, frames=SceneFrames(scene), boxes=scene.boxes, visible=scene.visible
    )


def training_scene(number: int, seed: int) -> Scene:
    """One random film."""
    generator = np.random.default_rng((seed, number))

    def happens(probability: float) -> bool:
        return bool(generator.random() < probability)

    backdrop, picture = _pictures(generator)
    target = _actor(generator, _outline(generator, picture), leaves=happens(0.1))
    behind = tuple(
        _actor(generator, target.cutout if happens(0.5) else _outline(generator, backdrop))
        for _ in range(generator.integers(0, 3))
    )
    before = (_passer(generator, target),) if happens(0.3) else ()
    return Scene(
        name=f"train_{seed}_{number:05d}",
        backdrop=backdrop,
        target=target,
        camera=_camera(generator),
        behind=behind,
        before=before,
        length=LENGTH,
        exposure=float(generator.uniform(0.3, 0.9)) if happens(0.25) else 0.0,
        light=_keys(generator, (0.4,), (1.5,), 20) if happens(0.25) else None,
        shadow=_keys(generator, (-60.0,), (WIDTH + 60.0,), 20) if happens(0.15) else None,
        grey=happens(0.08),
    )


def _pictures(generator: np.random.Generator) -> tuple[Picture, Picture]:
    """Two different ones."""
    textures = generator.choice(TEXTURES, 2, replace=False).tolist()
    others = generator.permutation(len(PHOTOGRAPHS))[:2].tolist()
    chosen = [
        PHOTOGRAPHS[other] if generator.random() < PHOTOGRAPH_SHARE else Texture(texture)
        for texture, other in zip(textures, others, strict=True)
    ]
    return chosen[0], chosen[1]


def _outline(generator: np.random.Generator, picture: Picture) -> Outline:
    """A smooth random shape, longer than it is wide, somewhere in the picture."""
    height, width = _size(picture)
    radius = generator.uniform(0.15, 0.32) * min(height, width)
    points = int(generator.integers(7, 13))
    angles = np.arange(points) * 2 * np.pi / points
    radii = radius * generator.uniform(0.65, 1.0, points)
    shape = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    shape[:, 1] *= generator.uniform(0.4, 1.0)
    turn = generator.uniform(0, np.pi)
    shape = shape @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    # the curve through the points reaches a little beyond them
    room = 1.1 * radius
    middle = generator.uniform([room, room], [width - room, height - room])
    return Outline(picture, tuple(map(tuple, (shape + middle).tolist())))


def _size(picture: Picture) -> tuple[int, int]:
    """Height and width, px, without making a texture."""
    if isinstance(picture, Texture):
        return SIDE, SIDE
    return photograph(picture).shape[:2]


def _actor(
    generator: np.random.Generator, outline: str | Outline, *, leaves: bool = False
) -> Actor:
    """Something that moves about the picture; `leaves` sends it out and back."""
    margin = 40.0
    step = int(generator.integers(8, 21))
    path = _keys(generator, (margin, margin), (WIDTH - margin, HEIGHT - margin), step)
    if leaves:
        aside = -60.0 if generator.random() < 0.5 else WIDTH + 60.0
        middle = list(path)[len(path) // 2]
        path[middle] = (aside, path[middle][1])
    size = float(np.exp(generator.uniform(np.log(26), np.log(110))))
    grown = {time: float(size * generator.uniform(0.7, 1.4)) for time in (LENGTH // 2, LENGTH - 1)}
    spin = generator.choice([0.0, 12.0, 90.0], p=[0.4, 0.4, 0.2])
    turn = generator.choice([0.0, 50.0], p=[0.7, 0.3])
    bend = generator.choice([0.0, 0.08], p=[0.7, 0.3])
    return Actor(
        cutout=outline,
        path=path,
        size={0: size, **grown},
        angle=_keys(generator, (-spin,), (spin,), 20) if spin else None,
        yaw=_keys(generator, (-turn,), (turn,), 16) if turn else None,
        warp=_keys(generator, (0.0,), (bend,), 20) if bend else None,
        tint=tuple(generator.uniform(0.8, 1.2, 3).tolist()),
    )


def _passer(generator: np.random.Generator, target: Actor) -> Actor:
    """Something that crosses the target's way, and is aside of it at the beginning and the end."""
    outline = _outline(generator, _pictures(generator)[0])
    times = list(target.path)
    meeting = times[len(times) // 2]
    offset = 140 * generator.choice([-1.0, 1.0], 2)
    start, middle, end = (np.array(target.path[t]) for t in (times[0], meeting, times[-1]))
    way = {times[0]: start + offset, meeting: middle, times[-1]: end - offset}
    size = float(generator.uniform(0.5, 1.1) * at(target.size, 0.0)[0])
    return Actor(
        cutout=outline,
        path={time: tuple(place.tolist()) for time, place in way.items()},
        size={0: size},
    )


def _camera(generator: np.random.Generator) -> CameraPath:
    return CameraPath(
        pan=_keys(generator, (100.0, 100.0), (SIDE - 100.0, SIDE - 100.0), LENGTH - 1),
        zoom=_keys(generator, (0.9,), (1.7,), LENGTH - 1),
        roll=_keys(generator, (-5.0,), (5.0,), LENGTH - 1),
        shake=float(generator.uniform(0, 2.5)),
    )


def _keys(
    generator: np.random.Generator, low: tuple[float, ...], high: tuple[float, ...], step: int
) -> dict[int, tuple[float, ...]]:
    """Random values within bounds, evenly in time, about every `step` frames."""
    count = round((LENGTH - 1) / step)
    times = np.linspace(0, LENGTH - 1, count + 1).round().astype(int).tolist()
    return {time: tuple(generator.uniform(low, high).tolist()) for time in times}
