from dataclasses import replace

import numpy as np
import pytest
import torch

from cfkd_core import ops
from cfkd_core.tracking.localise import LocaliseOptions, fourier_matrix, localise, upsample

TARGET = np.array([57.6, 57.6])


def peaks(*places):
    """A score map of 18 cells with Gaussian peaks: (column, row, height)."""
    return sum(
        height * ops.gaussian_label(torch.tensor([float(x), float(y)]), 18, 0.9)
        for x, y, height in places
    )


def definition(values, points):
    """The trigonometric interpolant, from its definition with complex exponentials."""
    cells = len(values)
    spectrum = np.fft.fft(values) / cells
    result = np.zeros(len(points), dtype=complex)
    for k in range(-(cells // 2), cells // 2 + 1):
        half = 0.5 if cells % 2 == 0 and abs(k) == cells // 2 else 1.0
        result += half * spectrum[k % cells] * np.exp(2j * np.pi * k * points / cells)
    return result.real


@pytest.mark.parametrize("cells", [17, 18])
def test_fourier_upsampling_equals_the_definition(cells):
    values = np.random.default_rng(0).normal(size=cells)
    points = np.arange(288) * cells / 288
    found = fourier_matrix(cells, 288).double().numpy() @ values
    np.testing.assert_allclose(found, definition(values, points), atol=1e-5)


def test_upsampling_passes_through_the_cells():
    scores = torch.randn(18, 18, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(upsample(scores, 288)[::16, ::16], scores, atol=1e-5)


def test_a_peak_in_the_middle_is_no_motion():
    found = localise(peaks((9, 9, 1.0)), TARGET, 288, LocaliseOptions())
    np.testing.assert_allclose(found.displacement, 0, atol=1e-3)
    assert found.score == pytest.approx(1, abs=1e-4)
    assert found.status == "normal"


@pytest.mark.parametrize(("column", "row"), [(10, 9), (9, 7), (5.25, 12.5), (2, 3), (14, 15)])
def test_displacement_is_sixteen_px_a_cell(column, row):
    found = localise(peaks((column, row, 1.0)), TARGET, 288, LocaliseOptions())
    expected = (np.array([column, row]) - 9) * 16
    np.testing.assert_allclose(found.displacement, expected, atol=0.25)


@pytest.mark.parametrize(
    ("places", "status", "displacement"),
    [
        ([(9, 9, 0.2)], "lost", [0, 0]),  # below 0.25
        ([(9, 9, 1.0), (3, 9, 0.4)], "normal", [0, 0]),  # a weak second peak
        ([(9, 9, 1.0), (3, 9, 0.6)], "hard_negative", [0, 0]),  # a second peak over half
        ([(9, 9, 1.0), (1, 9, 0.9)], "hard_negative", [0, 0]),  # its rival jumped too far
        ([(1, 9, 1.0), (9, 9, 0.9)], "hard_negative", [0, 0]),  # the rival is the likely one
        ([(9, 9, 1.0), (4, 9, 0.9)], "uncertain", [0, 0]),  # both are near
        ([(1, 9, 1.0), (16, 7, 0.9)], "uncertain", [-128, 0]),  # both are far
        ([(9, 9, 0.4), (3, 9, 0.24)], "normal", [0, 0]),  # over half, but nobody's score
    ],
)
def test_status_by_the_rules(places, status, displacement):
    found = localise(peaks(*places), TARGET, 288, LocaliseOptions())
    assert found.status == status
    np.testing.assert_allclose(found.displacement, displacement, atol=4)  # wraps at the border


def test_the_neighbourhood_grows_with_the_target():
    """A second peak within 1.1 target sizes belongs to the first."""
    scores = peaks((9, 9, 1.0), (5, 9, 0.9))  # 64 px apart
    large = localise(scores, np.array([90.0, 90.0]), 288, LocaliseOptions())
    small = localise(scores, np.array([30.0, 30.0]), 288, LocaliseOptions())
    assert (large.status, small.status) == ("normal", "uncertain")


def test_a_window_prefers_small_motion():
    scores = peaks((3, 9, 1.0), (9, 9, 0.8))
    believing = LocaliseOptions(lost_below=-1.0, distractor_above=100.0)
    plain = localise(scores, TARGET, 288, believing)
    windowed = localise(scores, TARGET, 288, replace(believing, window=True))
    np.testing.assert_allclose(plain.displacement, [-96, 0], atol=1)
    np.testing.assert_allclose(windowed.displacement, [0, 0], atol=1)
