"""Figures about speed: what stands in them."""

import matplotlib.pyplot as plt
import pytest

from cfkd_core.figures import performance


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_roof_bends_where_memory_and_multiplier_meet():
    points = {"ResNet-18": (20.0, (5e10, 9e10)), "MobileNetV2": (5.0, (1e10, 3e10))}
    (axes,) = performance.roofline(points, peak=1e11, bandwidth=1e10).axes
    roof = axes.lines[0]
    assert list(roof.get_xdata()) == [2.5, 10, 60]
    assert list(roof.get_ydata()) == [25, 100, 100]
    assert [text.get_text() for text in axes.texts] == list(points)


def test_bars_add_up_to_the_frame_and_say_so():
    frames = {"ours": {"network": 8.0, "refine": 4.5}, "theirs": {"whole": 25.0}}
    (axes,) = performance.anatomy(frames).axes
    assert [text.get_text() for text in axes.texts] == ["12.5", "25.0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ours", "theirs"]
    ours = [(bar.get_x(), bar.get_width()) for bar in axes.patches[:2]]
    assert ours == [(0, 8), (8, 4.5)]
