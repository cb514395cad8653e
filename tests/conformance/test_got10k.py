"""GOT-10k's toolkit, as PyPI has it, side by side with ours."""

import numpy as np
import pytest

from cfkd_core.benchmarks.protocols import PROTOCOLS
from tests.conformance.trajectories import SIZE, trajectory

experiments = pytest.importorskip(
    "got10k.experiments", reason="needs got10k: pip install 'cfkd[conformance]'"
)
metrics = pytest.importorskip("got10k.utils.metrics")


def trajectories(count, seed):
    for i in range(count):
        yield trajectory(np.random.default_rng([seed, i]))


def experiment(kind):
    """One whose evaluation needs neither files nor the constructor's download."""
    made = object.__new__(kind)
    made.nbins_iou, made.nbins_ce = 21, 51
    return made


def compare_toolkit(count):
    theirs, ours = experiment(experiments.ExperimentUAV123), PROTOCOLS["got10k-toolkit"]
    for predicted, truth, visible in trajectories(count, 1):
        answered = predicted.copy()
        answered[0] = truth[0]
        with np.errstate(all="ignore"):
            success, precision = theirs._calc_curves(*theirs._calc_metrics(answered, truth))
            found = ours.curves(predicted, truth, visible)
        np.testing.assert_allclose(found["success"], success, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["precision"], precision, rtol=0, atol=1e-12)


def compare_got10k(count):
    theirs, ours = experiment(experiments.ExperimentGOT10k), PROTOCOLS["got10k"]
    for predicted, truth, visible in trajectories(count, 2):
        frames = np.flatnonzero(visible[1:]) + 1
        if not len(frames):
            continue
        # the toolkit cuts in place, and one NaN makes its mean NaN: both are kept from it
        cut = [each[frames].copy() for each in (predicted, truth)]
        with np.errstate(all="ignore"):
            overlaps = np.nan_to_num(metrics.rect_iou(*cut, bound=SIZE))
            mean, rate, _, curve = theirs._evaluate(overlaps, [])
            found = ours.curves(predicted, truth, visible, SIZE)
        np.testing.assert_allclose(found["overlap"], [mean], rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["success"], curve, rtol=0, atol=1e-12)
        assert ours.scores(found)["success_at_50"] == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize("compare", [compare_toolkit, compare_got10k])
def test_three_hundred_trajectories(compare):
    compare(300)


@pytest.mark.slow
@pytest.mark.parametrize("compare", [compare_toolkit, compare_got10k])
def test_ten_thousand_trajectories(compare):
    compare(10_000)
