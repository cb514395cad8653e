"""What holds for all protocols of one pass."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS, VOT_PROTOCOLS, measures
from cfkd_core.errors import InputError


@pytest.mark.parametrize("name", PROTOCOLS)
def test_curves_lie_on_their_thresholds(name, straight):
    protocol = PROTOCOLS[name]
    truth = straight(9)
    curves = protocol.curves(truth + [2, 1, 3, 0], truth, np.ones(9, bool))  # noqa: RUF005
    assert {key: len(values) for key, values in curves.items()} == {
        key: len(grid) for key, grid in protocol.thresholds.items()
    }
    for values in curves.values():
        assert (values >= 0).all()
        assert (values <= 1).all()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_oracle_is_best_and_a_lost_tracker_worst(name, straight, score):
    truth = straight(9)
    best = score(PROTOCOLS[name], truth, truth)
    worst = score(PROTOCOLS[name], truth + 900, truth)
    for measure, value in best.items():
        # twenty of 21 thresholds, unless an overlap of 1 exceeds a threshold of 1
        strict = measure == "success_auc" and name != "trackingnet"
        assert value == pytest.approx(20 / 21 if strict else 1)
        # the first frame counts as the ground truth, but for GOT-10k, and PySOT leaves it
        assert 0 <= worst[measure] <= 2 / 9


@pytest.mark.parametrize("name", PROTOCOLS)
def test_where_the_first_pixel_is_0_or_1_is_no_matter(name, straight):
    truth = straight(9)
    predicted = truth + np.arange(9)[:, None] % 4
    visible = np.arange(9) != 4
    first = np.array([1, 1, 0, 0])
    plain = PROTOCOLS[name].curves(predicted, truth, visible)
    moved = PROTOCOLS[name].curves(predicted + first, truth + first, visible)
    for curve in plain:
        np.testing.assert_array_equal(plain[curve], moved[curve])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_boxes_are_not_changed(name, straight):
    truth, predicted, visible = straight(5), straight(5) + 1.4, np.arange(5) != 2
    copies = [each.copy() for each in (predicted, truth, visible)]
    PROTOCOLS[name].curves(predicted, truth, visible)
    for given, copy in zip((predicted, truth, visible), copies, strict=True):
        np.testing.assert_array_equal(given, copy)


def test_names_are_their_own():
    for name, protocol in (PROTOCOLS | VOT_PROTOCOLS).items():
        assert protocol.name == name
        assert measures(name) == dict(protocol.measures)
    with pytest.raises(InputError, match="choose from otb"):
        measures("otb-2")
