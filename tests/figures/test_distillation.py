"""Pictures of a training show every term, and say which is off."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cfkd_core.figures import distillation

CURVES = {name: [4.0, 2.0, 1.0] for name in distillation.TERMS}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_terms_are_shares_of_where_they_began():
    ax = Figure().add_subplot()
    distillation.terms_over_time(ax, CURVES | {"adaptive_hard": [0.0, 0.5, 1.0]}, steps=30)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_allclose(lines["fidelity"].get_xydata(), [[5, 1], [15, 0.5], [25, 0.25]])
    # a switched term that begins at 0 is measured by its first value
    np.testing.assert_allclose(lines["adaptive hard"].get_ydata(), [0, 1, 2])


def test_a_cell_names_its_score_and_what_is_off():
    gradients = dict.fromkeys(distillation.TERMS, 2.0) | {"fidelity": 0.0}
    figure = distillation.cell(CURVES, 30, gradients, score=0.5, others=[0.1, 0.5])
    assert texts(figure).count("off") == 1
    assert texts(figure).count("2") == 3
    assert "0.50" in figure.axes[2].get_title(loc="left") + figure.axes[2].get_title()


@pytest.mark.parametrize("missing", ["fidelity", "adaptive_hard"])
def test_rows_have_a_panel_for_each_term_that_any_was_trained_with(missing):
    curves = {name: values for name, values in CURVES.items() if name != missing}
    figure = distillation.rows_over_time({"one": (curves, 100), "two": (CURVES, 5000)})
    assert len(figure.axes) == 4
    assert sorted(len(ax.lines) for ax in figure.axes) == [1, 2, 2, 2]
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {
        "one, 100 steps",
        "two, 5,000 steps",
    }
