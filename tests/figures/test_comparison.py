"""Figures that set claims beside measurements: what stands in them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cfkd_core.benchmarks.records import Ordering
from cfkd_core.figures import comparison, drnet, verdicts


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words(figure: Figure) -> list[str]:
    """Every text that is drawn inside the axes."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_an_ordering_is_named_with_its_outcome():
    found = [
        (Ordering("a", "b", "held", 0.05, 0.02, 0.08, 14), 3.0),
        (Ordering("b", "c", "not run", np.nan, np.nan, np.nan, 0), 1.5),
    ]
    figure = comparison.ordering_plot(found, {"a": "A", "b": "B", "c": "C"}, "points")
    assert words(figure) == ["A over B: held", "B over C: not run"]
    drawn = [line.get_xdata() for line in figure.axes[0].lines]
    # whisker, dot and diamond of the first; the diamond alone of the second
    assert any(np.allclose(x, [2, 8]) for x in drawn if len(x) == 2)
    assert sum(len(x) == 1 for x in drawn) == 3
    assert [float(x[0]) for x in drawn if len(x) == 1] == pytest.approx([5.0, 3.0, 1.5])


def test_every_score_is_written_in_its_cell():
    scores = pd.DataFrame({"one": [10.4, np.nan], "two": [99.6, 55.0]}, index=["x", "y"])
    figure = comparison.sequence_grid(scores, "AUC, %")
    assert sorted(words(figure)) == ["10", "100", "55"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["x", "y"]


def test_a_trade_off_leaves_out_what_was_not_measured():
    _, axes = plt.subplots()
    families = {"ResNets": [(2.0, 66.0, 50.0), (0.2, 53.0, None)], "other": [(0.3, 62.0, None)]}
    comparison.trade_off(axes, families, "cost", "score")
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["ResNets, thesis", "ResNets, ours", "other, thesis"]
    ours = next(line for line in axes.lines if line.get_label() == "ResNets, ours")
    assert list(ours.get_ydata()) == [50.0]


def test_bars_of_verdicts_add_up():
    counts = {"method": {"reproduced": 3, "contradicted": 1}, "rivals": {"undecidable": 2}}
    figure = verdicts.verdict_bars(counts)
    assert words(figure) == ["3", "1", "2"]
    ends = {}
    for bar in figure.axes[0].patches:
        y = bar.get_y() + bar.get_height() / 2
        ends[y] = max(ends.get(y, 0), bar.get_x() + bar.get_width())
    assert (ends[2.0], ends[1.0]) == (4, 2)


def test_the_overview_shows_the_sizes_it_is_given():
    shapes = {
        "patch": (3, 320, 320),
        "block3": (512, 40, 40),
        "block4": (1024, 20, 20),
        "modulation": (256,),
        "search": (256, 40, 40),
        "offsets": (1, 4),
        "scores": (20, 20),
    }
    figure = drnet.overview(shapes, "ResNet-50")
    text = "\n".join(words(figure))
    for expected in (
        "320 × 320 × 3",
        "40 × 40 × 512",
        "20 × 20 × 1024",
        "2 vectors of 256",
        "4 offsets",
        "score map\n20 × 20",
    ):
        assert expected in text
