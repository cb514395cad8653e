"""The synthetic films: labels against measurement, boxes against pixels, time against order."""

import time
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cfkd_core import boxes
from cfkd_core.datasets.actors import HEIGHT, WIDTH, at
from cfkd_core.datasets.photographs import OUTLINES, closed_curve, cutout, mask
from cfkd_core.datasets.scene import Scene
from cfkd_core.datasets.synthetic import SCENES, synthetic_sequences
from cfkd_core.errors import InputError

OTB_CODES = ("IV", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OPR", "OV", "BC", "LR")

# First word of a name -> the attribute that the film is about.
THEMES = {
    "light": "IV", "scale": "SV", "occlusion": "OCC", "bend": "DEF", "blur": "MB", "fast": "FM",
    "spin": "IPR", "turn": "OPR", "leave": "OV", "clutter": "BC", "far": "LR",
}  # fmt: skip


@pytest.fixture(scope="module")
def sequences():
    return synthetic_sequences()


def test_there_are_enough_and_names_are_unique(sequences):
    assert len(sequences) >= 22
    assert len({sequence.name for sequence in sequences}) == len(sequences)
    assert all(60 <= len(sequence) <= 90 for sequence in sequences)


def test_each_attribute_is_in_two_films_at_least(sequences):
    count = Counter(code for sequence in sequences for code in sequence.attributes)
    assert set(count) == set(OTB_CODES)
    assert min(count.values()) >= 2


def test_each_film_has_the_attribute_of_its_name(sequences):
    for sequence in sequences:
        assert THEMES[sequence.name.split("_")[1]] in sequence.attributes, sequence.name


def test_measurable_labels_agree_with_the_ground_truth(sequences):
    """FM, SV and LR from the boxes alone, by OTB's thresholds."""
    for sequence in sequences:
        box = sequence.boxes
        step = np.hypot(*np.diff(boxes.centre(box), axis=0).T)
        area = box[:, 2] * box[:, 3]
        ratio = area[sequence.visible] / area[0]
        measured = {
            "FM": (step[~np.isnan(step)] > 20).any(),
            "SV": (ratio > 2).any() or (ratio < 0.5).any(),
            "LR": (area[sequence.visible] < 400).any(),
        }
        for code, present in measured.items():
            assert (code in sequence.attributes) == present, (sequence.name, code)


def _difference(scene: Scene, t: int, **without) -> np.ndarray:
    """Where frame `t` changes if the scene is filmed otherwise; the noise is the same."""
    frames = [each.render(t).astype(int) for each in (scene, replace(scene, **without))]
    return np.abs(frames[0] - frames[1]).max(axis=2) > 6


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_box_is_where_the_target_is_seen(scene):
    """What changes in the picture when the target is taken away lies in the box and fills it."""
    gone = replace(scene.target, path={0: (-1000, -1000)})
    # a frame whose target shows whole, away from the blur of fast ones
    shown = [t for t in range(scene.length) if scene.shares[t, 1] > 0.99]
    t = shown[len(shown) // 2]
    sharp = replace(scene, exposure=0.0, light=None, shadow=None)
    rows, columns = np.nonzero(_difference(sharp, t, target=gone))
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    # the soft edge reaches a little beyond the outline
    np.testing.assert_allclose(seen, boxes.to_xyxy(scene.boxes[t]), atol=3.5)


def test_hidden_frames_have_no_box_and_no_pixel(sequences):
    hidden = {each.name: int((~each.visible).sum()) for each in sequences}
    assert hidden["syn_leave_cat"] > 0
    assert hidden["syn_occlusion_coin"] > 0
    for sequence in sequences:
        assert sequence.visible[0]
        assert (np.isnan(sequence.boxes).any(axis=1) == ~sequence.visible).all()
        scene = sequence.frames.scene
        gone = replace(scene.target, path={0: (-1000, -1000)})
        for t in np.flatnonzero(~sequence.visible)[::4]:
            area = scene.extents[t, 2] * scene.extents[t, 3]
            assert _difference(scene, int(t), target=gone).sum() < 0.1 * area


def test_occlusion_and_leaving_are_what_the_masks_show(sequences):
    for sequence in sequences:
        scene = sequence.frames.scene
        left, top, width, height = scene.extents.T
        outside = (left < 0) | (top < 0) | (left + width > WIDTH) | (top + height > HEIGHT)
        if "OV" in sequence.attributes:
            assert outside.any(), sequence.name
        if not sequence.visible.all() or "OCC" in sequence.attributes:
            assert scene.before or outside.any(), sequence.name
        if "OCC" in sequence.attributes:
            t = int(np.argmin(scene.shares[:, 1] / scene.shares[:, 0].clip(1e-6)))
            assert _difference(scene, t, before=()).any(), sequence.name


def test_light_is_measured_in_the_pixels(sequences):
    for sequence in sequences:
        if "IV" in sequence.attributes:
            scene = sequence.frames.scene
            steady = replace(scene, light=None, shadow=None)
            gains = []
            for t in range(0, len(sequence), 3):
                x, y, w, h = scene.extents[t].astype(int)
                window = np.s_[max(y, 0) : y + h, max(x, 0) : x + w]
                gains.append(scene.render(t)[window].mean() / steady.render(t)[window].mean())
            assert max(gains) > 1.3 * min(gains), sequence.name


def test_a_frame_does_not_depend_on_those_before_it():
    (first,), (second,) = (synthetic_sequences(["syn_blur_face"]) for _ in range(2))
    forwards = [first.frames[t] for t in range(20, 24)]
    backwards = [second.frames[t] for t in range(23, 19, -1)]
    np.testing.assert_array_equal(forwards, backwards[::-1])


def test_frames_are_rgb_pictures_and_index_like_a_list(sequences):
    frames = sequences[0].frames
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    assert frames[0].dtype == np.uint8
    np.testing.assert_array_equal(frames[-1], frames[len(frames) - 1])
    with pytest.raises(IndexError):
        frames[len(frames)]
    assert not np.array_equal(frames[0], frames[1])


def test_a_blur_is_smoother_than_a_sharp_film():
    scene = next(scene for scene in SCENES if scene.name == "syn_blur_face")
    t = 12
    sharpness = [
        cv2.Laplacian(each.render(t)[..., 1].astype(float), cv2.CV_64F).var()
        for each in (scene, replace(scene, exposure=0.0))
    ]
    assert sharpness[0] < 0.8 * sharpness[1]


def test_grey_films_are_grey(sequences):
    head = next(each for each in sequences if each.name == "syn_far_head").frames[5].astype(int)
    assert np.ptp(cv2.GaussianBlur(head.astype(np.float32), (0, 0), 9), axis=2).max() < 4


def test_part_of_the_benchmark(sequences):
    short = synthetic_sequences(["syn_far_coin", "syn_light_cup"], length=7)
    assert [(each.name, len(each)) for each in short] == [("syn_far_coin", 7), ("syn_light_cup", 7)]
    whole = next(each for each in sequences if each.name == "syn_far_coin")
    np.testing.assert_array_equal(short[0].boxes, whole.boxes[:7])
    np.testing.assert_array_equal(short[0].frames[6], whole.frames[6])
    assert len(synthetic_sequences(["syn_far_coin"], length=10_000)[0]) == len(whole)
    assert len(synthetic_sequences(["syn_far_coin"], length=1)[0]) == 1


def test_unknown_name_is_refused():
    with pytest.raises(InputError, match="syn_nothing"):
        synthetic_sequences(["syn_nothing"])


def test_a_still_box_scores_below_a_fifth(sequences):
    overlaps = [np.nan_to_num(boxes.iou(each.boxes[:1], each.boxes)).mean() for each in sequences]
    assert np.mean(overlaps) < 0.2


def test_frames_render_quickly(sequences):
    for sequence in sequences:
        sequence.frames[0]
    start = time.process_time()
    count = sum(len([sequence.frames[t] for t in (10, 30, 50)]) for sequence in sequences)
    # 3 ms on an idle core, 9 for a blurred film; the bound leaves room for a slow one
    assert (time.process_time() - start) / count < 0.03


def test_shares_of_a_whole_target_are_one(sequences):
    scene = next(each for each in sequences if each.name == "syn_light_cup").frames.scene
    np.testing.assert_allclose(scene.shares, 1, atol=0.03)


def test_keys_are_met_and_joined_smoothly():
    keys = {0: (0, 10), 10: (20, 10), 30: (0, 50)}
    for t, value in keys.items():
        np.testing.assert_allclose(at(keys, float(t)), value)
    np.testing.assert_array_equal(at(keys, -5.0), (0, 10))
    np.testing.assert_array_equal(at(keys, 99.0), (0, 50))
    np.testing.assert_allclose(at({0: 0, 10: 5, 20: 10}, 7.0), [3.5])
    before, after = (at(keys, 10 + shift) for shift in (-1e-6, 1e-6))
    np.testing.assert_allclose(before, after, atol=1e-4)


def test_closed_curve_passes_through_its_points():
    points = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    np.testing.assert_allclose(closed_curve(points, steps=5)[::5], points)


def test_mask_has_the_area_of_its_outline():
    square = np.array([[2.0, 3], [12, 3], [12, 8], [2, 8]])
    filled = mask(square, 20, 12)
    assert filled[5, 7] == 1
    assert filled[0, 0] == 0
    assert filled.sum() == pytest.approx(50, rel=0.06)


@pytest.mark.parametrize("name", OUTLINES)
def test_cutouts_are_clear_outside_and_solid_inside(name):
    sprite = cutout(name).levels[0]
    assert sprite[0].max() == sprite[:, 0].max() == 0
    x, y, w, h = cutout(name).extent
    assert sprite[int(y + h / 2), int(x + w / 2), 3] > 250
