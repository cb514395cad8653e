"""Rivals in the correlation map, on maps whose peaks are known and on a film."""

import numpy as np
import pytest
import torch

from cfkd_core.benchmarks.look_alikes import Response, peaks, rival, rivals, seek
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.models.backbones import imagenet_backbone
from cfkd_core.patches import Patch


def _response(scores: torch.Tensor) -> Response:
    patch = Patch(np.zeros((288, 288, 3), np.uint8), np.zeros(2), 1.0)
    # the target covers cells 8 and 9 across and down
    return Response(patch, np.array([128.0, 128, 32, 32]), scores, scores)


def test_a_rival_is_measured_against_the_target():
    scores = torch.zeros(18, 18)
    scores[9, 9], scores[2, 14] = 1.0, 0.6
    assert rival(_response(scores)) == pytest.approx(0.6)
    scores[2, 14] = 1.5
    assert rival(_response(scores)) == pytest.approx(1.5)


def test_the_flank_of_the_target_is_no_rival():
    scores = torch.zeros(18, 18)
    scores[9, 9], scores[9, 10] = 1.0, 0.9
    assert rival(_response(scores)) == 0


def test_peaks_are_counted_from_half_the_highest():
    scores = torch.zeros(18, 18)
    scores[9, 9], scores[2, 14], scores[14, 2], scores[9, 10] = 1.0, 0.6, 0.4, 0.9
    assert peaks(scores) == 2
    assert peaks(scores, share=0.3) == 3


@pytest.fixture(scope="module")
def backbone():
    return imagenet_backbone("mobilenet_v2").eval()


def test_the_target_is_found_where_nothing_has_changed(backbone):
    (film,) = synthetic_sequences(["syn_clutter_cup"], 3)
    found = seek(backbone, film, 0)
    assert found.scores.max() == 1
    assert found.scores.shape == found.energy.shape == (18, 18)
    y, x = divmod(int(found.scores.argmax()), 18)
    middle = found.box[:2] + found.box[2:] / 2
    assert np.hypot(16 * x - middle[0], 16 * y - middle[1]) < 24


def test_frames_without_a_target_are_passed_over(backbone):
    (film,) = synthetic_sequences(["syn_clutter_cup"], 7)
    film.visible[4] = False
    assert len(rivals(backbone, [film], 2)) == 2
