"""The boxes recorded on the synthetic films belong to the films and trackers at hand."""

import json

import numpy as np
import pytest

import cfkd_core
from cfkd_core import boxes, paths
from cfkd_core.benchmarks import published
from cfkd_core.datasets.synthetic import synthetic_sequences
from cfkd_core.tracking.tracker import track

RECORDED = paths.DATA / "results" / "synthetic"
TRACKERS = sorted(folder.name for folder in RECORDED.iterdir())


@pytest.fixture(scope="module")
def films():
    return {film.name: film for film in synthetic_sequences()}


def test_there_are_the_trackers_that_the_book_shows():
    assert {"classifier", "csrt", "kcf", "mosse"} <= set(TRACKERS)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_each_film_has_a_box_a_frame_and_begins_with_the_truth(films, tracker):
    found = published.read_one_pass(RECORDED / tracker)
    assert set(found) <= set(films)
    for name, (answers,) in found.items():
        assert answers.shape == (len(films[name]), 4)
        np.testing.assert_allclose(answers[0], films[name].boxes[0], atol=1e-3)
    card = json.loads((RECORDED / tracker / "tracker.json").read_text())
    assert card["tracker"] == tracker
    assert set(card["sequences"]) >= set(found)


def test_mosse_gives_the_recorded_boxes_anew(films):
    film = films["syn_light_face"]
    (recorded,) = published.read_one_pass(RECORDED / "mosse")[film.name]
    found = track(cfkd_core.load_tracker("mosse", seed=0), film.frames, film.boxes[0])
    # but for a peak or two that rounding puts into the next pixel
    assert np.nanmin(boxes.iou(found.boxes, recorded)) > 0.9
