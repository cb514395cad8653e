"""Every one-pass protocol against its rule in plain floats, on random trajectories."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkd_core.benchmarks.protocols import PROTOCOLS
from tests.conformance.rules import RULES
from tests.conformance.trajectories import SIZE, trajectory


def assert_alike(name, predicted, truth, visible):
    """The protocol's curves are the slow rule's, to 1e-12 at every threshold."""
    protocol = PROTOCOLS[name]
    if name in ("otb", "uav123"):  # their readers decide it so
        visible = (truth > 0).all(axis=1)
    sized = (SIZE,) if protocol.cuts else ()
    with np.errstate(all="ignore"):
        found = protocol.curves(predicted, truth, visible, *sized)
    expected = RULES[name](predicted.tolist(), truth.tolist(), visible.tolist(), SIZE)
    assert found.keys() == expected.keys()
    for curve, values in expected.items():
        np.testing.assert_allclose(found[curve], values, rtol=0, atol=1e-12, err_msg=curve)


def compare(name, seeds):
    protocol = PROTOCOLS[name]
    for seed in seeds:
        generator = np.random.default_rng([seed, 18])
        assert_alike(name, *trajectory(generator, longer=protocol.longer, shorter=protocol.shorter))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_three_hundred_trajectories(name):
    compare(name, range(300))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROTOCOLS)
def test_ten_thousand_trajectories(name):
    compare(name, range(10_000))


number = st.one_of(
    st.integers(-5, 30).map(float), st.integers(-50, 300).map(lambda tenths: tenths / 10),
    st.floats(-1e3, 1e3), st.just(float("nan")), st.just(0.0)
)  # fmt: skip
positive = st.one_of(st.integers(1, 30).map(float), st.integers(10, 300).map(lambda n: n / 10))
row = st.tuples(number, number, number, number)
first = st.tuples(positive, positive, positive, positive)


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=60, deadline=None)
@given(first, st.lists(st.tuples(row, row, st.booleans()), max_size=5), row, st.data())
def test_any_few_frames(name, start, rest, answer, data):
    """What hypothesis finds is shrunk to the smallest trajectory that differs."""
    truth = np.array([start, *(told for told, _, _ in rest)])
    predicted = np.array([answer, *(found for _, found, _ in rest)])
    if data.draw(st.booleans()):
        predicted[1:] = truth[1:]
    visible = np.array([True, *(shown for _, _, shown in rest)])
    assert_alike(name, predicted, truth, visible)


def test_every_protocol_has_a_rule():
    assert RULES.keys() == PROTOCOLS.keys()
