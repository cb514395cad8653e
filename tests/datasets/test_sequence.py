"""A sequence holds together, and counts pixels as its benchmark does."""

import numpy as np
import pytest

from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError


def _sequence(frames: int, boxes: int, origin: int = 0) -> Sequence:
    images = [np.zeros((4, 4, 3), np.uint8)] * frames
    return Sequence("film", images, np.ones((boxes, 4)), np.ones(boxes, bool), origin=origin)


@pytest.mark.parametrize(("frames", "boxes"), [(0, 0), (3, 2), (0, 1)])
def test_frames_and_boxes_must_match(frames, boxes):
    with pytest.raises(InputError, match="film"):
        _sequence(frames, boxes)


def test_published_boxes_count_from_the_origin():
    sequence = _sequence(1, 1, origin=1)
    box = np.array([[0.0, 4.5, 2.0, 3.0]])
    np.testing.assert_array_equal(sequence.to_published(box), [[1.0, 5.5, 2.0, 3.0]])
    np.testing.assert_array_equal(sequence.from_published(sequence.to_published(box)), box)
