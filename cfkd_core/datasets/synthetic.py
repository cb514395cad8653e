"""The synthetic benchmark: short films made of photographs, each with its challenges.

No file is needed and nothing is downloaded: frames are rendered as they are asked for, each
without those before it. Boxes are exact: the extent of the target's whole outline, also where a
part of it is hidden or outside the picture; NaN, and `visible` False, where less than a fiftieth
of it shows. Attributes are measured in the films (`scene.attributes`), not written down here.

The first word of a name says what the film is about, the second what is followed.
"""

from collections.abc import Iterable

from cfkd_core.datasets.actors import Actor, CameraPath, Keys
from cfkd_core.datasets.scene import Scene
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError


def _camera(
    pan: Keys, zoom: Keys | float = 1.0, roll: Keys | float = 0.0, shake: float = 1.2
) -> CameraPath:
    zoom, roll = ({0: each} if isinstance(each, float) else each for each in (zoom, roll))
    return CameraPath(pan, zoom, roll, shake)


SCENES = (
    # the light changes: dimmed and dazzled, then a shadow that passes
    Scene(
        name="syn_light_face",
        backdrop="garage",
        target=Actor("face", {0: (70, 90), 25: (170, 130), 50: (250, 90), 74: (160, 110)},
                     {0: 62, 40: 74, 74: 60}),
        camera=_camera({0: (250, 200), 74: (480, 260)}, zoom={0: 1.0, 74: 1.15}),
        light={0: 1.0, 15: 1.0, 28: 0.35, 45: 0.5, 58: 1.6, 74: 0.9},
    ),
    Scene(
        name="syn_light_cup",
        backdrop="wall",
        target=Actor("cup", {0: (250, 160), 30: (110, 150), 55: (80, 80), 74: (220, 70)},
                     {0: 58, 40: 44, 74: 72}, angle={0: 0, 74: -24}),
        camera=_camera({0: (200, 250), 74: (320, 230)}),
        shadow={0: -60, 14: 230, 30: 60, 45: 120, 74: 330},
    ),
    # it comes nearer or goes away
    Scene(
        name="syn_scale_cup",
        backdrop="lawn",
        target=Actor("cup", {0: (80, 80), 35: (200, 110), 79: (150, 130)},
                     {0: 42, 40: 76, 79: 120}),
        camera=_camera({0: (190, 260), 79: (300, 240)}),
        length=80,
    ),
    Scene(
        name="syn_scale_rocket",
        backdrop="launchpad",
        target=Actor("rocket", {0: (120, 170), 30: (160, 130), 79: (215, 105)},
                     {0: 70, 79: 170}, angle={0: 0, 40: 4, 79: 14}),
        camera=_camera({0: (180, 270), 79: (230, 160)}, zoom={0: 1.0, 79: 1.1}),
        length=80,
    ),
    Scene(
        name="syn_scale_shuttle",
        backdrop="space",
        target=Actor("shuttle", {0: (100, 130), 40: (190, 110), 79: (250, 70)},
                     {0: 150, 40: 90, 79: 52}, angle={0: 12, 79: 40}),
        camera=_camera({0: (420, 450), 79: (560, 380)}),
        length=80,
    ),
    # something stands between
    Scene(
        name="syn_occlusion_cat",
        backdrop="garage",
        target=Actor("cat", {0: (60, 150), 30: (140, 140), 60: (180, 150), 84: (215, 140)},
                     {0: 52}),
        camera=_camera({0: (240, 240), 84: (420, 250)}),
        before=(Actor("pillar", {0: (300, 230)}, {0: 370}, fixed=True),
                Actor("pillar", {0: (440, 240)}, {0: 340}, fixed=True)),
        length=85,
    ),
    Scene(
        name="syn_occlusion_coin",
        backdrop="gravel",
        target=Actor("coin", {0: (60, 60), 30: (150, 120), 50: (200, 150), 74: (265, 180)}, {0: 48},
                     angle={0: 0, 74: 40}),
        camera=_camera({0: (250, 250), 74: (270, 270)}),
        before=(Actor("bush", {0: (250, 265)}, {0: 64}, fixed=True),),
    ),
    Scene(
        name="syn_occlusion_head",
        backdrop="park",
        target=Actor("head", {0: (50, 130), 40: (150, 120), 84: (262, 130)}, {0: 66, 84: 76}),
        camera=_camera({0: (330, 300), 84: (300, 310)}),
        before=(Actor("pillar", {0: (300, 300)}, {0: 330}, fixed=True, angle={0: 3}),),
        length=85,
        grey=True,
    ),
    # it bends
    Scene(
        name="syn_bend_cat",
        backdrop="lawn",
        target=Actor("cat", {0: (90, 100), 25: (190, 140), 50: (220, 90), 74: (100, 130)}, {0: 80},
                     warp={0: 0, 12: 0.05, 74: 0.08}),
        camera=_camera({0: (230, 250), 74: (300, 280)}),
    ),
    Scene(
        name="syn_bend_badge",
        backdrop="wall",
        target=Actor("badge", {0: (230, 70), 30: (130, 120), 60: (90, 180), 79: (180, 150)},
                     {0: 66, 79: 56}, angle={0: 0, 79: 18}, warp={0: 0, 10: 0.06, 79: 0.09}),
        camera=_camera({0: (280, 220), 79: (220, 300)}),
        length=80,
    ),
    # the shutter stays open
    Scene(
        name="syn_blur_rocket",
        backdrop="garage",
        target=Actor("rocket", {0: (110, 130), 10: (130, 120), 18: (230, 130), 28: (110, 110),
                                40: (210, 140), 50: (90, 130), 62: (220, 120), 74: (120, 130)},
                     {0: 104}),
        camera=_camera({0: (300, 250), 20: (400, 250), 40: (280, 260), 74: (420, 250)}, shake=2.5),
        exposure=0.9,
    ),
    Scene(
        name="syn_blur_face",
        backdrop="launchpad",
        target=Actor("face", {0: (160, 120), 8: (150, 125), 14: (70, 100), 22: (200, 150),
                              30: (240, 90), 37: (80, 140), 46: (230, 100), 54: (90, 110),
                              62: (250, 140), 74: (120, 120)}, {0: 70, 74: 52},
                     angle={0: 0, 40: -12, 74: 20}),
        camera=_camera({0: (320, 220), 25: (220, 240), 50: (400, 230), 74: (300, 220)}, shake=2.0),
        exposure=0.8,
    ),
    # it moves further from frame to frame than a tracker likes
    Scene(
        name="syn_fast_coin",
        backdrop="table",
        target=Actor("coin", {0: (60, 60), 10: (80, 80), 15: (220, 90), 21: (80, 180),
                              28: (260, 160), 34: (100, 60), 40: (270, 50), 48: (60, 170),
                              59: (200, 150)},
                     {0: 46, 59: 32}, back="coin_back"),
        behind=(Actor("coin_back", {0: (260, 200), 30: (180, 120), 59: (90, 60)}, {0: 44}),),
        camera=_camera({0: (250, 200), 59: (330, 220)}),
        length=60,
    ),
    Scene(
        name="syn_fast_helmet",
        backdrop="lawn",
        target=Actor("helmet", {0: (240, 80), 12: (220, 100), 18: (100, 140), 27: (230, 170),
                                34: (110, 100), 44: (80, 180), 52: (220, 150), 59: (120, 80)},
                     {0: 68}),
        camera=_camera({0: (200, 200), 30: (320, 300), 59: (230, 260)}, shake=3.0),
        exposure=0.5,
        length=60,
    ),
    # it turns in the picture plane
    Scene(
        name="syn_spin_badge",
        backdrop="garage",
        target=Actor("badge", {0: (80, 160), 30: (160, 110), 74: (250, 150)},
                     {0: 58, 74: 88}, angle={0: 0, 20: 40, 74: 300}, yaw={0: 0, 40: 35, 74: -20}),
        camera=_camera({0: (400, 200), 74: (560, 250)}),
    ),
    Scene(
        name="syn_spin_shuttle",
        backdrop="launchpad",
        target=Actor("shuttle", {0: (230, 170), 25: (190, 110), 50: (120, 80), 74: (80, 140)},
                     {0: 92}, angle={0: 0, 25: -25, 50: -80, 74: -120}),
        camera=_camera({0: (420, 240), 74: (260, 200)}),
    ),
    Scene(
        name="syn_spin_cup",
        backdrop="gravel",
        target=Actor("cup", {0: (90, 80), 35: (180, 150), 74: (230, 80)}, {0: 64, 74: 74},
                     angle={0: 0, 20: 35, 45: -30, 74: 60}),
        camera=_camera({0: (220, 240), 74: (280, 280)}, roll={0: 0.0, 74: 8.0}),
    ),
    # it turns away
    Scene(
        name="syn_turn_face",
        backdrop="wall",
        target=Actor("face", {0: (220, 120), 30: (140, 110), 60: (90, 140), 79: (140, 130)},
                     {0: 76}, yaw={0: 0, 20: 48, 40: -10, 60: -56, 79: 0}),
        camera=_camera({0: (300, 260), 79: (200, 250)}),
        length=80,
    ),
    Scene(
        name="syn_turn_coin",
        backdrop="table",
        target=Actor("coin", {0: (90, 170), 35: (160, 100), 74: (250, 80)}, {0: 56, 74: 62},
                     yaw={0: 0, 18: 60, 36: 0, 56: -64, 74: 10}, back="coin_back"),
        camera=_camera({0: (240, 220), 74: (350, 180)}),
    ),
    Scene(
        name="syn_turn_helmet",
        backdrop="park",
        target=Actor("helmet", {0: (90, 90), 40: (200, 130), 79: (130, 170)}, {0: 62, 79: 78},
                     angle={0: -8, 79: 16}, yaw={0: 0, 25: 50, 50: 0, 70: -45}),
        camera=_camera({0: (300, 300), 79: (220, 260)}),
        light={0: 1.0, 40: 0.7, 79: 1.15},
        length=80,
        grey=True,
    ),
    # it leaves the picture and comes back
    Scene(
        name="syn_leave_cat",
        backdrop="launchpad",
        target=Actor("cat", {0: (220, 130), 20: (90, 120), 32: (-30, 110), 38: (-40, 115),
                             50: (70, 130), 79: (200, 120)}, {0: 66}),
        camera=_camera({0: (250, 230), 40: (330, 220), 79: (380, 230)}),
        length=80,
    ),
    Scene(
        name="syn_leave_motorcycle",
        backdrop="lawn",
        target=Actor("motorcycle", {0: (120, 130), 25: (250, 120), 37: (376, 120), 43: (380, 124),
                                    58: (240, 140), 79: (110, 130)}, {0: 88, 38: 96, 79: 84}),
        camera=_camera({0: (230, 260), 79: (280, 240)}),
        length=80,
    ),
    # others look like it
    Scene(
        name="syn_clutter_coin",
        backdrop="gravel",
        target=Actor("coin", {0: (70, 120), 35: (150, 130), 79: (250, 110)}, {0: 44, 79: 54},
                     yaw={0: 0, 50: 30, 79: -25}),
        camera=_camera({0: (230, 260), 79: (290, 250)}),
        behind=(Actor("coin_back", {0: (150, 60), 79: (90, 190)}, {0: 44}),
                Actor("coin", {0: (230, 180), 35: (190, 150), 79: (60, 90)}, {0: 42},
                      angle={0: 25}),
                Actor("coin_back", {0: (260, 70), 79: (190, 200)}, {0: 47}),
                Actor("coin", {0: (300, 120), 79: (250, 170)}, {0: 40}, angle={0: -30})),
        before=(Actor("coin", {0: (130, 230), 30: (150, 170), 50: (190, 95), 79: (230, 20)},
                      {0: 46}, angle={0: 70}),),
        length=80,
    ),
    Scene(
        name="syn_clutter_cup",
        backdrop="table",
        target=Actor("cup", {0: (250, 70), 30: (170, 90), 60: (90, 150), 79: (80, 90)}, {0: 62}),
        camera=_camera({0: (190, 240), 79: (260, 220)}, zoom=0.8),
        behind=(Actor("cup", {0: (80, 170), 40: (170, 150), 79: (230, 160)}, {0: 66},
                      tint=(0.9, 0.95, 1.0)),),
        length=80,
    ),
    Scene(
        name="syn_clutter_face",
        backdrop="studio",
        target=Actor("face", {0: (70, 150), 40: (150, 120), 79: (240, 150)}, {0: 58, 79: 64}),
        camera=_camera({0: (330, 160), 79: (260, 180)}, zoom=0.9),
        behind=(Actor("face", {0: (250, 70), 40: (180, 80), 79: (90, 100)}, {0: 56}),),
        before=(Actor("face", {0: (290, 180), 40: (215, 190), 60: (170, 175), 79: (120, 180)},
                      {0: 62}, tint=(0.95, 0.9, 0.85)),),
        length=80,
    ),
    # it is small
    Scene(
        name="syn_far_rocket",
        backdrop="space",
        target=Actor("rocket", {0: (90, 180), 35: (170, 110), 74: (240, 60)}, {0: 38, 74: 30},
                     angle={0: 6, 74: 12}),
        camera=_camera({0: (350, 350), 74: (420, 300)}),
    ),
    Scene(
        name="syn_far_coin",
        backdrop="lawn",
        target=Actor("coin", {0: (240, 160), 40: (140, 140), 74: (80, 60)}, {0: 22, 74: 17}),
        camera=_camera({0: (290, 260), 74: (220, 220)}, shake=1.8),
    ),
    Scene(
        name="syn_far_head",
        backdrop="park",
        target=Actor("head", {0: (80, 200), 35: (150, 190), 74: (270, 120)}, {0: 26, 74: 19}),
        camera=_camera({0: (330, 350), 74: (380, 340)}),
        behind=(Actor("head", {0: (270, 150), 74: (60, 170)}, {0: 24}),),
        grey=True,
    ),
)  # fmt: skip


def synthetic_sequences(names: Iterable[str] = (), length: int | None = None) -> list[Sequence]:
    """The benchmark, or a part of it.

    Args:
        names: which sequences; all of them if none is named.
        length: number of frames from the beginning, for a quick look; whole films without it.
            A shortened film keeps only the attributes that it still shows.

    Raises:
        InputError: if there is no sequence of a name.
    """
    scenes = {scene.name: scene for scene in SCENES}
    wanted = list(names) or list(scenes)
    for name in wanted:
        if name not in scenes:
            raise InputError(f"sequence {name!r} is unknown; choose from {', '.join(scenes)}")
    return [scenes[name].sequence(length) for name in wanted]
