import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cfkd_core import boxes
from cfkd_core.errors import InputError


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0, 0, 2, 2], [0, 0, 2, 2], 1.0),
        ([0, 0, 2, 2], [1, 0, 2, 2], 1 / 3),  # 2 shared of 6
        ([0, 0, 4, 4], [1, 1, 2, 2], 1 / 4),  # one inside the other
        ([0, 0, 2, 2], [2, 0, 2, 2], 0.0),  # edges touch, nothing is shared
        ([0, 0, 0, 0], [0, 0, 0, 0], 0.0),  # no area: no division by zero
        ([0, 0, -3, 2], [0, 0, 2, 2], 0.0),  # a negative side counts as none
    ],
)
@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_iou_by_hand(first, second, expected, kind):
    first, second = kind(np.array(first, float)), kind(np.array(second, float))
    assert float(boxes.iou(first, second)) == pytest.approx(expected)
    assert float(boxes.iou(second, first)) == pytest.approx(expected)


def test_iou_of_none_is_none_and_of_absent_is_nan():
    assert boxes.iou(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)
    assert np.isnan(boxes.iou(np.full(4, np.nan), np.ones(4)))


def test_iou_broadcasts():
    one, many = np.array([0.0, 0, 2, 2]), np.array([[[0.0, 0, 2, 2]], [[1.0, 0, 2, 2]]])
    np.testing.assert_allclose(boxes.iou(one, many), [[1], [1 / 3]])


def test_centre_and_corners_invert():
    box = np.array([[3.0, 4, 10, 20]])
    np.testing.assert_array_equal(boxes.centre(box), [[8, 14]])
    np.testing.assert_array_equal(boxes.from_centre(boxes.centre(box), box[:, 2:]), box)
    np.testing.assert_array_equal(boxes.to_xyxy(box), [[3, 4, 13, 24]])


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([1, 2, 3], "got 3"),
        ("abc", "expected four numbers"),
        ([1, 2, 3, np.nan], "finite"),
        ([1, 2, np.inf, 3], "finite"),
        ([1, 2, 0, 3], "positive"),
        ([1, 2, 3, -4], "positive"),
        ([100, 2, 3, 4], "outside the frame of 100 x 50 px"),
        ([-3, 2, 3, 4], "outside"),
        ([5, 50, 3, 4], "outside"),
    ],
)
def test_check_refuses_with_the_value(box, message):
    with pytest.raises(InputError, match=message):
        boxes.check(box, 100, 50)


def test_check_takes_a_box_that_is_partly_outside():
    np.testing.assert_array_equal(boxes.check((-2, -2, 5, 5), 100, 50), [-2, -2, 5, 5])


side = st.floats(0.01, 1e4)
box = st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), side, side).map(np.array)


@given(box, box)
def test_iou_is_symmetric_and_between_0_and_1(first, second):
    overlap = boxes.iou(first, second)
    assert overlap == boxes.iou(second, first)
    assert 0 <= overlap <= 1 + 1e-6


@given(box, st.floats(0.1, 10), st.floats(-100, 100))
def test_iou_does_not_depend_on_unit_or_origin(first, unit, origin):
    second = first + np.array([0.3, -0.2, 0.1, 0.4]) * first[[2, 3, 2, 3]]
    moved = [unit * each + np.array([origin, origin, 0, 0]) for each in (first, second)]
    assert boxes.iou(*moved) == pytest.approx(boxes.iou(first, second), abs=1e-5)


@given(box)
def test_a_box_is_its_centre_and_size(one):
    again = boxes.from_centre(boxes.centre(one), one[2:])
    np.testing.assert_allclose(again, one, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_offsets_by_hand(kind):
    proposals = kind(np.array([[10.0, 20, 40, 10], [30, 25, 20, 20]]))
    target = kind(np.array([20.0, 30, 20, 20]))  # centre (30, 40)
    expected = [[0, 1.5, -np.log(2), np.log(2)], [-0.5, 0.25, 0, 0]]  # centres (30, 25), (40, 35)
    offsets = boxes.encode_offsets(proposals, target)
    assert isinstance(offsets, type(proposals))
    np.testing.assert_allclose(offsets, expected, atol=1e-12)
    np.testing.assert_allclose(
        boxes.decode_offsets(proposals, offsets), np.tile(target, (2, 1)), atol=1e-12
    )


@given(box, box)
def test_offsets_are_inverted(proposal, target):
    ratio = target[2:] / proposal[2:]
    if (ratio > 62).any():  # growth beyond that is cut
        target = np.concatenate([target[:2], np.minimum(target[2:], 62 * proposal[2:])])
    again = boxes.decode_offsets(proposal, boxes.encode_offsets(proposal, target))
    np.testing.assert_allclose(again, target, rtol=1e-9, atol=1e-7)


def test_offsets_of_none_are_none_and_their_growth_has_a_limit():
    assert boxes.encode_offsets(np.zeros((0, 4)), np.ones(4)).shape == (0, 4)
    assert boxes.decode_offsets(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0, 4)
    grown = boxes.decode_offsets(np.array([0.0, 0, 16, 32]), np.array([0.0, 0, 50, 50]))
    np.testing.assert_allclose(grown[2:], [1000, 2000])


def test_offsets_have_slopes_for_training():
    proposals = torch.tensor([[[10.0, 20, 40, 10]]]).double().requires_grad_()
    target = torch.tensor([[[20.0, 30, 20, 20]]]).double()
    assert torch.autograd.gradcheck(lambda p: boxes.encode_offsets(p, target), proposals)
    assert torch.autograd.gradcheck(lambda p: boxes.decode_offsets(p, target / 50), proposals)


@given(box, st.floats(0, 0.5), st.floats(0, 0.9), st.integers(0, 2**32))
def test_jittered_boxes_overlap_as_asked(one, noise, minimum_iou, seed):
    generator = np.random.default_rng(seed)
    made = boxes.jitter(one, np.full(8, noise), minimum_iou, generator)
    assert made.shape == (8, 4)
    assert (boxes.iou(made, one) > minimum_iou).all()


def test_jitter_has_the_deviation_asked_for():
    one = np.array([100.0, 50, 80, 20])  # sqrt(w h) = 40
    noise = np.repeat([0.01, 0.05], 4000)
    made = boxes.jitter(one, noise, 0.1, np.random.default_rng(0))
    found = np.concatenate([boxes.centre(made) - [140, 60], made[:, 2:] - [80, 20]], axis=1)
    for level, part in ((0.4, found[:4000]), (2.0, found[4000:])):
        np.testing.assert_allclose(part.std(axis=0), level, rtol=0.05)
        np.testing.assert_allclose(part.mean(axis=0), 0, atol=0.06 * level)


def test_jitter_of_none_is_none_and_without_noise_is_the_box():
    one, generator = np.array([3.0, 4, 10, 20]), np.random.default_rng(0)
    assert boxes.jitter(one, np.zeros(0), 0.1, generator).shape == (0, 4)
    np.testing.assert_array_equal(boxes.jitter(one, np.zeros(2), 0.1, generator), [one, one])


def test_jitter_keeps_sides_positive():
    one = np.array([0.0, 0, 100, 2])  # noise of 14 px upon a side of 2 px
    made = boxes.jitter(one, np.full(1000, 1.0), 0.01, np.random.default_rng(0))
    assert (made[:, 2:] > 0).all()
    short = made[made[:, 3] <= 1, 3]
    assert len(short)
    assert (short >= 0.3).all()  # 0.15 of 2 px


def test_jitter_gives_up_with_the_box_itself():
    one = np.array([0.0, 0, 9, 0.1])  # a side below 1 px is always shortened: an IoU of 0.5 at most
    made = boxes.jitter(one, np.full(3, 0.01), 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(made, np.tile(one, (3, 1)))


@pytest.mark.parametrize("sides", [(0.009, 5), (5, 1e-300), (1e7, 5), (1e300, 1e300)])
def test_check_refuses_sides_that_cannot_be_computed_with(sides):
    with pytest.raises(InputError, match=r"width and height must be 0\.01 to 1e\+06 px"):
        boxes.check((1, 1, *sides), 100, 50)


@pytest.mark.parametrize("box", [[10**400] * 4, ["1" * 5000] * 4, range(3000), [[1, 2], [3]]])
def test_check_names_what_it_refuses_in_a_line(box):
    with pytest.raises(InputError) as caught:
        boxes.check(box, 100, 50)
    assert len(str(caught.value)) < 200
