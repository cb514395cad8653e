"""The roof and what lies under it, by hand."""

import pytest
import torch
from torch import nn

from cfkd_core.benchmarks import roofline
from cfkd_core.benchmarks.roofline import Point


def test_a_point_is_work_over_bytes_and_over_time():
    layer = nn.Conv2d(2, 3, kernel_size=1, bias=False)
    found = roofline.point(nn.Sequential(layer), torch.zeros(1, 2, 5, 5), seconds=0.5)
    assert found == Point(macs=2 * 3 * 25, bytes=4 * (2 * 25 + 3 * 25 + 6), seconds=0.5)
    assert found.speed == 300
    assert found.intensity == pytest.approx(150 / 524)


@pytest.mark.parametrize(
    ("intensity", "allowed"),
    [(0.0, 0.0), (1.0, 10.0), (10.0, 100.0), (1000.0, 100.0)],  # slope, ridge, level
)
def test_the_lower_limit_is_the_ceiling(intensity, allowed):
    assert roofline.ceiling(intensity, peak=100.0, bandwidth=10.0) == allowed


def test_the_best_copy_counts(monkeypatch):
    times = iter([4.0, 0.5, 2.0])
    monkeypatch.setattr(roofline, "_COPIED_BYTES", 8)
    monkeypatch.setattr(roofline, "_seconds", lambda source, target: next(times))
    assert roofline.memory_bandwidth(repeats=3) == 2 * 8 / 0.5
