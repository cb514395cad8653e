"""VOT's protocols against their rules a pixel and a fragment at a time, on random runs."""

import math

import numpy as np
import pytest

from cfkd_core.benchmarks import raster, toolkit_raster
from cfkd_core.benchmarks.protocols import VOT_PROTOCOLS
from cfkd_core.benchmarks.vot import VotRun
from cfkd_core.datasets.regions import are_rectangles
from tests.conformance import pixels, restarts

SIZE = (24, 18)
LONGEST = 16

# Rule of overlaps, of those that accuracy takes, of accuracy, of fragments; and whether the
# repetitions of a sequence share its weight.
RULES = {
    "vot-legacy": (
        pixels.challenge, lambda *pair: pixels.challenge(*pair, margin=1),
        restarts.pooled_accuracy, restarts.matlab_fragments, True
    ),
    "vot-pysot": (
        pixels.challenge, lambda *pair: pixels.challenge(*pair, margin=1),
        restarts.pooled_accuracy, restarts.pysot_fragments, False
    ),
    "vot-toolkit-0.9": (
        pixels.toolkit, pixels.toolkit, restarts.sequence_accuracy, restarts.toolkit_fragments,
        False
    ),
}  # fmt: skip


def region(generator):
    """A rectangle or a quadrangle, in the image or over its border, whole numbers among them."""
    if generator.random() < 0.5:
        found = np.full(8, np.nan)
        found[:4] = [*generator.uniform(-6, 26, 2), *generator.uniform(-1, 14, 2)]
    else:
        middle = generator.uniform(0, 20, 2)
        found = (middle + generator.uniform(-8, 8, (4, 2))).reshape(8)
    return np.round(found, generator.integers(0, 3)) if generator.random() < 0.7 else found


def near(generator, told):
    return told + generator.choice([0.0, 0.5, 1.0, generator.uniform(-4, 4)])


def run(generator, truth):
    """Codes as the referee gives them, with failures wherever they fall."""
    frames = len(truth)
    regions, codes = np.full((frames, 8), np.nan), np.zeros(frames, int)
    frame = 0
    while frame < frames:
        codes[frame] = 1
        for later in range(frame + 1, frames):
            if generator.random() < 0.12:
                codes[later] = 2
                frame = later + 5
                break
            codes[later] = -1
            close = generator.random() < 0.7
            regions[later] = near(generator, truth[later]) if close else region(generator)
        else:
            break
    return VotRun(regions, codes)


def numbers(row):
    return row[:4].tolist() if are_rectangles(row) else row.tolist()


def overlaps(rule, given, truth):
    return [
        rule(numbers(row), numbers(told), SIZE) if code == -1 else math.nan
        for row, code, told in zip(given.regions, given.codes, truth, strict=True)
    ]


def compare(name, seeds):
    protocol = VOT_PROTOCOLS[f"{name}-2019"]
    overlap, counted, accuracy, fragments, shared = RULES[name]
    for seed in seeds:
        generator = np.random.default_rng([seed, 19])
        frames = int(generator.integers(1, LONGEST + 1))
        truth = np.array([region(generator) for _ in range(frames)])
        given = [run(generator, truth) for _ in range(generator.integers(1, 3))]
        curves, weights = protocol.curves(protocol.passes(given, truth, SIZE), LONGEST)
        bound, wider = (
            [(overlaps(rule, each, truth), each.codes.tolist()) for each in given]
            for rule in (overlap, counted)
        )
        values, fragment_weights = restarts.expected_overlap(bound, fragments, LONGEST)
        share = len(given) if shared else 1
        failures = np.mean([(each.codes == 2).sum() for each in given])
        expected = {
            "eao": (values, np.array(fragment_weights) / share),
            "accuracy": ([accuracy(wider)[0]], [accuracy(wider)[1]]),
            "robustness": (
                [failures if "toolkit" in name else 100 * failures / frames], [frames]
            ),
        }  # fmt: skip
        for curve, (value, weight) in expected.items():
            message = f"seed {seed}, {curve}"
            np.testing.assert_allclose(weights[curve], weight, rtol=0, atol=1e-12, err_msg=message)
            np.testing.assert_allclose(curves[curve], value, rtol=0, atol=1e-12, err_msg=message)


@pytest.mark.parametrize("name", RULES)
def test_a_hundred_runs(name):
    compare(name, range(100))


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_ten_thousand_runs(name):
    compare(name, range(10_000))


def test_every_protocol_has_a_rule():
    assert {name.rpartition("-")[0] for name in VOT_PROTOCOLS} == RULES.keys()


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rule", ["challenge", "challenge, a pixel more", "toolkit"])
def test_overlaps_of_random_pairs(count, rule):
    generator = np.random.default_rng(20)
    first = np.array([region(generator) for _ in range(count)])
    second = np.array([
        near(generator, told) if generator.random() < 0.5 else region(generator) for told in first
    ])  # fmt: skip
    fast, slow = {
        "challenge": (raster.overlaps, pixels.challenge),
        "challenge, a pixel more": (
            lambda *pair: raster.overlaps(*pair, margin=1), RULES["vot-legacy"][1]
        ),
        "toolkit": (toolkit_raster.overlaps, pixels.toolkit),
    }[rule]  # fmt: skip
    expected = [slow(numbers(a), numbers(b), SIZE) for a, b in zip(first, second, strict=True)]
    np.testing.assert_array_equal(fast(first, second, SIZE), expected)
