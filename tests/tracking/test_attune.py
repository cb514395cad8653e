from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core import boxes, paths
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.models.iou_head import IoUHead, Modulation, SearchFeatures
from cfkd_core.models.weights import load
from cfkd_core.patches import crop, to_images
from cfkd_core.tracking.atom import MATOM, AtomTracker
from cfkd_core.tracking.attune import AttuneOptions, around, attune

TARGETS = torch.tensor([[110.0, 120.0, 60.0, 40.0], [90.0, 100.0, 60.0, 40.0]])
START = Modulation(torch.full((1, 64), 0.2), torch.full((1, 64), 0.2))


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return IoUHead(32, 96, 64).eval()


@pytest.fixture
def features():
    maps = [torch.rand(2, 64, side, side, generator=generator(side)) for side in (36, 18)]
    return SearchFeatures(*maps)


@pytest.fixture(scope="module")
def film():
    """A film with half of a thing as its target: no edge of the thing tells where it ends."""
    (film,) = synthetic_sequences(["syn_light_face"], length=12)
    halves = film.boxes * [1, 1, 1, 0.5]
    return film.frames, halves


def error(tracker, frame, box):
    """Mean squared, of the overlap that is predicted for boxes around `box` of a later frame."""
    patch = crop(frame, boxes.centre(box), 250.0, 288)
    with torch.no_grad():
        pyramid = tracker.net.backbone(to_images([patch.pixels], tracker.device))
        target = torch.from_numpy(patch.to_patch(box)).float()
        noise = torch.rand(200, 4, generator=generator(9)) - 0.5
        proposals = target + boxes.area(target).sqrt() * 0.6 * noise
        overlaps = 2 * boxes.iou(proposals, target.expand_as(proposals)) - 1
        head = tracker.net.iou_head
        answers = head.predict(head.search_features(pyramid), tracker.modulation, proposals[None])
        return (answers[0] - overlaps).square().mean().item()


def test_half_of_a_thing_is_known_better_afterwards(film):
    frames, truth = film
    net = load(paths.WEIGHTS / "matom.safetensors")
    errors = []
    for options in (MATOM, replace(MATOM, attune=AttuneOptions(steps=4))):
        tracker = AtomTracker(net, options)
        tracker.init(frames[0], truth[0])
        errors.append(np.mean([error(tracker, frames[t], truth[t]) for t in (4, 8, 11)]))
    assert errors[1] < 0.85 * errors[0]


def test_nothing_but_the_vectors_changes(head, features):
    before = {key: value.clone() for key, value in head.state_dict().items()}
    attune(head, features, START, TARGETS, AttuneOptions(steps=3), generator(1))
    assert all(torch.equal(before[key], value) for key, value in head.state_dict().items())
    assert all(parameter.grad is None for parameter in head.parameters())
    assert START.level3.unique().tolist() == [pytest.approx(0.2)]


def misfit(head, features, start, target, modulation, options):
    """What is to become small, with the boxes that are tuned to; differentiable."""
    proposals = around(target, options, generator(1))
    overlaps = 2 * boxes.iou(proposals, target[:, None].expand_as(proposals)) - 1
    vectors = Modulation(*(each.expand(len(target), -1) for each in modulation))
    fit = (head.predict(features, vectors, proposals) - overlaps).square().mean()
    first, moved = (torch.cat(each, dim=1) for each in (start, modulation))
    return fit + options.regularisation / first.square().mean() * (moved - first).square().sum()


def slowly(head, features, start, target, options):
    """The vectors that three hundred steps of Adam find."""
    vectors = [each.clone().requires_grad_() for each in start]
    adam = torch.optim.Adam(vectors, lr=0.003)
    for _ in range(300):
        loss = misfit(head, features, start, target, Modulation(*vectors), options)
        for each, slope in zip(vectors, torch.autograd.grad(loss, vectors), strict=True):
            each.grad = slope
        adam.step()
    return Modulation(*(each.detach() for each in vectors))


def test_few_steps_reach_what_many_small_ones_do(film):
    """With a head that ships, and half of a thing."""
    frames, truth = film
    net = load(paths.WEIGHTS / "matom.safetensors").requires_grad_(False)
    patch = crop(frames[0], boxes.centre(truth[0]), 250.0, 288)
    pyramid = net.backbone(to_images([patch.pixels], torch.device("cpu")))
    target = torch.from_numpy(patch.to_patch(truth[0])).float()[None]
    start = net.iou_head.modulation(pyramid, target)
    case = net.iou_head, net.iou_head.search_features(pyramid), start, target
    options = AttuneOptions(steps=4, regularisation=1e-2)
    found = attune(case[0], case[1], start, target, options, generator(1))
    slow = slowly(*case, options)
    before, after, reached = (misfit(*case, each, options).item() for each in (start, found, slow))
    assert after < 0.7 * before
    assert after < 1.05 * reached


def test_a_step_too_far_is_not_taken(head, features):
    """Without a pull to the start, one step overshoots with this head."""
    options = AttuneOptions(steps=1, regularisation=1e-9)
    found = attune(head, features, START, TARGETS, options, generator(1))
    before, after = (
        misfit(head, features, START, TARGETS, each, options).item() for each in (START, found)
    )
    assert after <= before


def test_what_is_regularised_without_end_stays(head, features):
    options = AttuneOptions(steps=2, regularisation=1e9)
    same = attune(head, features, START, TARGETS, options, generator(1))
    for found, expected in zip(same, START, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_same_seed_gives_the_same_vectors(head, features):
    first, second = (
        attune(head, features, START, TARGETS, AttuneOptions(steps=3), generator(1))
        for _ in range(2)
    )
    assert torch.equal(first.level3, second.level3)
    assert torch.equal(first.level4, second.level4)


def test_no_step_changes_nothing(head, features):
    same = attune(head, features, START, TARGETS, AttuneOptions(), generator(1))
    assert torch.equal(same.level3, START.level3)
    assert torch.equal(same.level4, START.level4)
