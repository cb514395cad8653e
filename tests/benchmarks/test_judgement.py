"""A head that knows the truth judges perfectly; one that knows nothing does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core import boxes
from cfkd_core.benchmarks.judgement import judge, probe
from cfkd_core.datasets.pair_plan import PairOptions
from cfkd_core.datasets.pairs import PairDataset, Source
from cfkd_core.datasets.synthetic_training import training_films
from cfkd_core.models.atom import Architecture, AtomNet, build
from cfkd_core.models.box_head import BoxHead
from cfkd_core.models.iou_head import IoUHead
from cfkd_core.tracking.refine import RefineOptions


@pytest.fixture(scope="module")
def batch():
    options = PairOptions(size=64, search_scale=2.5, shift_jitter=0.5, proposals=6)
    films = training_films(2, seed=0)
    return PairDataset([Source("films", films)], 4, 0, options).batch([0, 1, 2, 3])


class Oracle(IoUHead):
    """Knows where the target is: a head for `judge`, not a network."""

    def __init__(self, batch, sign=1.0):
        super().__init__(1, 1, 4)
        self.goal, self.sign = batch.search_box[:, None], sign

    def modulation(self, *_):
        return None

    def search_features(self, *_):
        return None

    def predict(self, features, modulation, proposals):
        return self.sign * (2 * boxes.iou(proposals, self.goal) - 1)


class OffsetOracle(BoxHead):
    def __init__(self, goal):
        super().__init__(1, 1, 4)
        self.goal = goal[:, None]

    def modulation(self, *_):
        return None

    def search_features(self, *_):
        return None

    def predict(self, features, modulation, proposals):
        return boxes.encode_offsets(proposals, self.goal)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return build(Architecture("resnet18_t", "iou", 8)).eval()


def _with_head(net: AtomNet, head: IoUHead | BoxHead) -> AtomNet:
    net.iou_head = head
    return net


def test_the_truth_correlates_and_gains(net, batch):
    found = judge(_with_head(net, Oracle(batch)), [batch], RefineOptions())
    assert found["iou_correlation"] == pytest.approx(1)
    assert found["refinement_gain"] > 0.02


def test_its_opposite_correlates_negatively_and_loses(net, batch):
    found = judge(_with_head(net, Oracle(batch, -1.0)), [batch], RefineOptions())
    assert found["iou_correlation"] == pytest.approx(-1)
    assert found["refinement_gain"] < -0.02


def test_true_offsets_lead_to_the_target(net, batch):
    found = judge(_with_head(net, OffsetOracle(batch.search_box)), [batch], RefineOptions())
    assert set(found) == {"refinement_gain"}
    before = float((batch.proposal_iou + 1).mean() / 2)
    assert found["refinement_gain"] == pytest.approx(1 - before, abs=1e-5)


def test_a_probe_tracks_what_it_is_shown(net):
    """A still film, and random features: the classifier stays where it began, within a cell."""
    (film,) = training_films(1, seed=3)
    still = replace(
        film,
        frames=[film.frames[0]] * 4,
        boxes=np.tile(film.boxes[:1], (4, 1)),
        visible=np.array([True, True, True, False]),
    )
    found = probe(AtomNet(net.backbone, None), [still, still], 3)
    assert found == {"tracking_iou": pytest.approx(1, abs=0.15)}
