"""Pairs: which frames, where the target lies, what noise is added, and the same ones each time."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from cfkd_core import boxes
from cfkd_core.datasets import pair_plan, pairs
from cfkd_core.datasets.pairs import PairDataset, PairOptions, Source, collate
from cfkd_core.datasets.readers import read_otb
from cfkd_core.datasets.sequence import ImageFiles, Sequence
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.errors import InputError

OPTIONS = PairOptions()
SMALL = PairOptions(size=96)
PLAIN = replace(OPTIONS, grey=0.0, brightness=0.0)


def _film(length: int = 30, *, visible=None, box=(40.0, 30.0, 40.0, 20.0)) -> Sequence:
    """A red target that moves 2 px a frame before a grey-green ground."""
    annotation = np.tile(box, (length, 1)) + np.arange(length)[:, None] * [2.0, 1.0, 0, 0]
    frames = [np.full((120, 200, 3), (40, 90, 70), np.uint8) for _ in range(length)]
    for frame, (x, y, w, h) in zip(frames, annotation.astype(int), strict=True):
        frame[y : y + h, x : x + w] = (200, 20, 30)
    seen = np.ones(length, bool) if visible is None else np.array(visible)
    return Sequence("film", frames, annotation, seen)


def _dataset(*sequences: Sequence, length=40, seed=3, options=SMALL) -> PairDataset:
    return PairDataset([Source("films", sequences)], length, seed, options)


def _red(image: torch.Tensor) -> tuple[np.ndarray, float]:
    """Centre of what is red, px, and its area, px²."""
    mask = (image[0] > image[1]).numpy()
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()]) + 0.5, float(mask.sum())


def test_the_frames_are_visible_and_near():
    visible = np.ones(300, bool)
    visible[100:150] = False
    generator = np.random.default_rng(0)
    drawn = np.array([pairs.draw_frames(visible, 50, generator) for _ in range(4000)])
    gaps = drawn[:, 1] - drawn[:, 0]
    assert visible[drawn].all()
    assert (gaps.min(), gaps.max()) == (-50, 49)
    # the first is uniform over the 250 visible frames
    counts = np.bincount(drawn[:, 0], minlength=300)[visible]
    assert counts.std() == pytest.approx(np.sqrt(4000 / 250), rel=0.2)


@pytest.mark.parametrize(("max_gap", "least", "most"), [(1, 1, 1), (4, 4, 4), (50, 30, 39)])
def test_the_gap_can_be_set(max_gap, least, most):
    frames = [np.full((9, 9, 3), number, np.uint8) for number in range(40)]
    film = Sequence("film", frames, np.ones((40, 4)), np.ones(40, bool))
    dataset = _dataset(film, length=300, options=replace(PLAIN, size=2, max_gap=max_gap))
    batch = collate(list(dataset))
    gaps = (batch.search - batch.target)[:, 0, 0, 0].abs() * 255
    assert least <= round(gaps.max().item()) <= most


def test_a_lonely_visible_frame_is_paired_with_itself():
    visible = np.zeros(200, bool)
    visible[[3, 150]] = True
    generator = np.random.default_rng(0)
    drawn = {pairs.draw_frames(visible, 50, generator) for _ in range(20)}
    assert drawn == {(3, 3), (150, 150)}


def test_a_frame_without_an_area_is_not_visible():
    film = _film(4)
    film.boxes[1] = np.nan
    film.boxes[2, 2] = 0
    assert pairs.visible_frames(film).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("sequence", "usable"),
    [
        (_film(20), True),
        (_film(19), False),  # too short
        (_film(20, visible=[True] * 5 + [False] * 15), True),
        (_film(20, visible=[True] * 4 + [False] * 16), False),  # seen too seldom
        (_film(1), True),  # a still
        (_film(1, visible=[False]), False),
    ],
)
def test_which_sequences_are_used(sequence, usable):
    if usable:
        assert _dataset(sequence)[0].target.shape == (1, 3, 96, 96)
    else:
        with pytest.raises(InputError, match="source films: no sequence can be used"):
            _dataset(sequence)


def test_sources_are_mixed_by_weight():
    wide, tall = _film(box=(40, 30, 40, 20)), _film(box=(40, 30, 20, 40))
    sources = [Source("wide", [wide], 3.0), Source("tall", [tall, tall], 1.0)]
    dataset = PairDataset(sources, 1000, 0, replace(SMALL, size=16))
    is_wide = [float(pair.target_box[0, 2] > pair.target_box[0, 3]) for pair in dataset]
    assert np.mean(is_wide) == pytest.approx(0.75, abs=0.04)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_must_be_positive(weight):
    with pytest.raises(InputError, match="weight"):
        PairDataset([Source("films", [_film()], weight)], 1, 0, SMALL)


def test_no_source_and_no_negative_seed():
    with pytest.raises(InputError, match="at least one"):
        PairDataset([], 1, 0, SMALL)
    with pytest.raises(InputError, match="seed -1"):
        _dataset(_film(), seed=-1)


def test_the_target_lies_in_the_middle_and_fills_a_fifth():
    film = _film()
    crop = pair_plan.target_crop(film.boxes[0], OPTIONS)
    box = crop.to_patch(film.boxes[0])
    np.testing.assert_allclose(boxes.centre(box), [144, 144], atol=1e-9)
    assert np.sqrt(boxes.area(box)) == pytest.approx(288 / 5)
    assert box[2] / box[3] == pytest.approx(2)


def test_boxes_lie_where_the_target_is_seen():
    for pair in _dataset(_film(), options=PLAIN, length=30):
        for image, box in ((pair.target, pair.target_box), (pair.search, pair.search_box)):
            found, area = _red(image[0])
            left, top, right, bottom = boxes.to_xyxy(box[0].double()).numpy().clip(0, 288)
            # a target that the patch cuts is seen in part: compare what can be seen
            np.testing.assert_allclose(found, [(left + right) / 2, (top + bottom) / 2], atol=1)
            assert area == pytest.approx((right - left) * (bottom - top), rel=0.1)


def test_the_search_patch_has_the_moments_of_its_noise():
    box, generator = np.array([3.0, 2, 4, 1]), np.random.default_rng(5)
    made = [pair_plan.search_crop(box, OPTIONS, generator) for _ in range(4000)]
    side = np.array([crop.steps[0] * OPTIONS.size for crop in made])
    middle = np.array([crop.corner for crop in made]) + side[:, None] / 2
    # the side is the root of two log-normal factors: its logarithm deviates by 0.5 / sqrt(2)
    logarithm = np.log(side / (5 * 2))
    assert logarithm.mean() == pytest.approx(0, abs=0.02)
    assert logarithm.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.04)
    # the centre is uniform within 2.25 of the 5 sizes that the side measures
    shift = (middle - [5, 2.5]) / side[:, None]
    assert np.abs(shift).max() == pytest.approx(0.45, abs=0.002)
    np.testing.assert_allclose(shift.std(axis=0), 0.9 / np.sqrt(12), rtol=0.04)
    np.testing.assert_allclose(shift.mean(axis=0), 0, atol=0.015)


def test_proposals_know_their_overlap():
    batch = collate(list(_dataset(_film(), length=20)))
    assert batch.proposals.shape == (20, 16, 4)
    expected = 2 * boxes.iou(batch.proposals, batch.search_box[:, None]) - 1
    torch.testing.assert_close(batch.proposal_iou, expected, atol=1e-4, rtol=0)
    assert batch.proposal_iou.min() > 2 * OPTIONS.proposal_min_iou - 1
    assert batch.proposal_iou.max() > 0.9


def test_colour_is_left_alone_where_nothing_is_asked():
    pair = _dataset(_film(), options=PLAIN)[0]
    ground = torch.tensor([40, 90, 70]) / 255
    torch.testing.assert_close(pair.target[0, :, 0, 0], ground)
    torch.testing.assert_close(pair.search[0, :, 0, 0], ground, atol=0.7, rtol=0)


def test_grey_takes_both_patches_and_keeps_their_brightness():
    pair = _dataset(_film(), options=replace(PLAIN, grey=1.0))[0]
    expected = (0.299 * 40 + 0.587 * 90 + 0.114 * 70) / 255
    torch.testing.assert_close(pair.target[0, :, 0, 0], torch.full((3,), expected))
    assert (pair.search[:, 0] == pair.search[:, 2]).all()


def test_grey_and_brightness_are_drawn_as_often_and_as_far_as_asked():
    annotation, generator = np.array([[3.0, 2, 4, 1]] * 2), np.random.default_rng(0)
    options = replace(OPTIONS, proposals=1)
    plans = [pair_plan.plan_pair(annotation, [9, 9], options, generator) for _ in range(2000)]
    assert np.mean([plan.grey for plan in plans]) == pytest.approx(0.05, abs=0.015)
    factors = np.array([plan.brightness for plan in plans]).T
    assert factors.min() == pytest.approx(0.8, abs=0.002)
    assert factors.max() == pytest.approx(1.2, abs=0.002)
    # each patch has its own
    assert abs(np.corrcoef(factors)[0, 1]) < 0.1


def test_colours_by_hand():
    images = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1).repeat(2, 1, 1, 1)
    factors, grey = torch.tensor([1.2, 0.5]), torch.tensor([False, True])
    bright, dark = pairs.recolour(images, grey, factors).flatten(1)
    torch.testing.assert_close(bright, torch.tensor([0.12, 0.6, 1.0]))
    luma = 0.299 * 0.1 + 0.587 * 0.5 + 0.114 * 0.9
    torch.testing.assert_close(dark, torch.full((3,), luma / 2))


def test_a_mirrored_pair_shows_the_target_where_its_box_is():
    flipped = replace(PLAIN, flip=1.0, shift_jitter=1.0)
    for pair in _dataset(_film(), options=flipped, length=10):
        for image, box in ((pair.target, pair.target_box), (pair.search, pair.search_box)):
            found, _ = _red(image[0])
            left, top, right, bottom = boxes.to_xyxy(box[0].double()).numpy().clip(0, 288)
            np.testing.assert_allclose(found, [(left + right) / 2, (top + bottom) / 2], atol=1)


def test_a_mirrored_pair_is_the_pair_of_the_mirrored_film():
    film = _film()
    mirror = replace(
        film,
        frames=[np.ascontiguousarray(frame[:, ::-1]) for frame in film.frames],
        boxes=np.column_stack([200 - film.boxes[:, 0] - film.boxes[:, 2], film.boxes[:, 1:]]),
    )
    always, never = replace(SMALL, flip=1.0), replace(SMALL, flip=0.0)
    for index in range(5):
        ours, theirs = _dataset(film, options=always)[index], _dataset(mirror, options=never)[index]
        for one, other in zip(ours, theirs, strict=True):
            # OpenCV interpolates in steps of 1/32 px, in whichever direction it walks
            torch.testing.assert_close(one, other, atol=0.03, rtol=1e-5)


def _same(first: pairs.PairBatch, second: pairs.PairBatch) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_pair_depends_on_seed_and_index_only():
    dataset, again = _dataset(_film()), _dataset(_film())
    later = dataset[7]
    assert _same(again[7], later)
    assert not _same(dataset[8], later)
    assert not _same(_dataset(_film(), seed=4)[7], later)
    with pytest.raises(IndexError, match="40"):
        dataset[40]


# Python 3.12 and later warn of fork beside threads, which is how DataLoader makes its workers
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_give_the_same_pairs():
    dataset = _dataset(_film(), length=8)
    alone, shared_out = (
        list(DataLoader(dataset, batch_size=4, collate_fn=collate, num_workers=workers))
        for workers in (0, 2)
    )
    assert len(alone) == len(shared_out) == 2
    assert all(_same(one, other) for one, other in zip(alone, shared_out, strict=True))


def _stills(tmp_path, good: int, bad: int) -> list[Sequence]:
    """Sequences of one frame each; the files of the last ones are no images."""
    files = [tmp_path / f"{number}.png" for number in range(good + bad)]
    for file in files:
        cv2.imwrite(str(file), np.full((30, 30, 3), 100, np.uint8))
    box, seen = np.array([[10.0, 10, 8, 8]]), np.ones(1, bool)
    stills = [Sequence(file.stem, ImageFiles([file]), box, seen) for file in files]
    # only now, because the type checks of the tests look into a frame of each sequence
    for file in files[good:]:
        file.write_bytes(b"not an image")
    return stills


def test_a_corrupt_image_is_named_counted_and_replaced(tmp_path):
    dataset = _dataset(*_stills(tmp_path, 60, 1), length=100)
    with pytest.warns(UserWarning, match=r"60\.png: cannot be decoded") as caught:
        assert len(list(dataset)) == 100
    assert dataset.corrupt == len(caught)
    assert dataset.reads == 100 + dataset.corrupt


def test_many_corrupt_images_stop_the_reading(tmp_path):
    dataset = _dataset(*_stills(tmp_path, 1, 1), length=100)
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(InputError, match=r"6 of \d+ training images .* more than 1%.*1\.png"),
    ):
        list(dataset)


def test_real_videos_and_synthetic_films_give_pairs(shared):
    videos = read_otb(shared / "data" / "train", origin=0)
    films = synthetic_sequences(["syn_far_coin", "syn_leave_cat"])
    sources = [Source("videos", videos), Source("synthetic", films)]
    dataset = PairDataset(sources, 12, 0, OPTIONS)
    assert [len(each) for each in dataset.sequences] == [30, 2]
    batch = collate(list(dataset))
    assert batch.search.shape == (12, 3, 288, 288)
    assert all(field.isfinite().all() for field in batch)
    middle = boxes.centre(batch.search_box)
    assert (middle > 0).all()
    assert (middle < 288).all()
