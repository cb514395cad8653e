"""Videos whose scores are known by hand."""

import numpy as np
import pytest


@pytest.fixture
def straight():
    """A target of 10 x 10 px that moves 3 px a frame, so many frames long."""

    def path(count: int) -> np.ndarray:
        x = 50 + 3.0 * np.arange(count)
        return np.column_stack([x, np.full((count, 3), [40.0, 10, 10])])

    return path


@pytest.fixture
def score():
    """The scores of one sequence by a protocol; every frame is visible unless it is said."""

    def scored(protocol, predicted, truth, visible=None) -> dict[str, float]:
        visible = np.ones(len(truth), bool) if visible is None else np.array(visible)
        return protocol.scores(protocol.curves(predicted, truth, visible))

    return scored
