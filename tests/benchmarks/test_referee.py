"""Restarts, case by case. Codes: -1 a box, 0 skipped, 1 started, 2 failed."""

from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks.referee import follow

ON, OFF = [10.0, 10.0, 8.0, 8.0], [40.0, 25.0, 8.0, 8.0]


def script(*failures: int):
    """On the target, but for the frames named."""
    return lambda t: OFF if t in failures else ON


@pytest.mark.parametrize(
    ("length", "failures", "codes"),
    [
        pytest.param(1, (), [1], id="one frame: nothing to track"),
        pytest.param(4, (), [1, -1, -1, -1], id="never fails"),
        pytest.param(9, (2,), [1, -1, 2, 0, 0, 0, 0, 1, -1], id="restarts five later"),
        pytest.param(6, (1,), [1, 2, 0, 0, 0, 0], id="restart would be the frame after the last"),
        pytest.param(7, (1,), [1, 2, 0, 0, 0, 0, 1], id="restarts in the last frame"),
        pytest.param(4, (3,), [1, -1, -1, 2], id="fails in the last frame"),
        pytest.param(5, (3,), [1, -1, -1, 2, 0], id="fails close to the end"),
        pytest.param(
            14, (1, 7), [1, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, -1], id="fails at once, twice"
        ),
        pytest.param(9, (2, 4), [1, -1, 2, 0, 0, 0, 0, 1, -1], id="not asked while skipped"),
    ],
)
def test_codes(scripted, still_film, length, failures, codes):
    tracker = scripted(script(*failures))
    run, seconds = follow(tracker, still_film(length))
    assert run.codes.tolist() == codes
    assert tracker.inits == [t for t, code in enumerate(codes) if code == 1]
    asked = [t for t, code in enumerate(codes) if code != 0]
    assert tracker.shown == asked
    assert np.flatnonzero(np.isfinite(seconds)).tolist() == asked
    np.testing.assert_array_equal(run.regions[run.tracked], np.tile(ON, (run.tracked.sum(), 1)))


def test_an_overlap_is_not_a_failure_but_a_touch_is(scripted, still_film):
    """The target's right edge is at 18.

    Source: region.c of STVIR/pysot (d04028f): bounds without an area in common do not overlap.
    """
    film = still_film(2)
    meeting = follow(scripted(lambda t: [17.0, 10.0, 8.0, 8.0]), film).run
    touching = follow(scripted(lambda t: [18.0, 10.0, 8.0, 8.0]), film).run
    assert (meeting.codes.tolist(), touching.codes.tolist()) == ([1, -1], [1, 2])


def test_a_gap_of_less_than_a_pixel_is_a_failure(scripted, still_film):
    """10,10,5.7,10 and 16.3,10,5,10 are 0.6 px apart, though both cover pixel 16."""
    film = replace(still_film(2), boxes=np.tile([10.0, 10, 5.7, 10], (2, 1)))
    run = follow(scripted(lambda t: [16.3, 10.0, 5.0, 10.0]), film).run
    assert run.codes.tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_box_is_a_failure(scripted, still_film, value):
    run = follow(scripted(lambda t: [value, 10.0, 8.0, 8.0]), still_film(2)).run
    assert run.codes.tolist() == [1, 2]


def test_frames_without_annotation_neither_fail_nor_start(scripted, still_film):
    film = still_film(12)
    film.boxes[[0, 3, 7, 8]] = np.nan
    run = follow(scripted(script(2, 3)), film).run
    # starts in 1; the restart of the failure in 2 is due in 7, which has no annotation, nor has 8
    assert run.codes.tolist() == [0, 1, 2, 0, 0, 0, 0, 0, 0, 1, -1, -1]
    run = follow(scripted(script(3)), film).run
    assert run.codes.tolist() == [0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]
    film.boxes[:] = np.nan
    assert (follow(scripted(script()), film).run.codes == 0).all()


def test_regions_judge_where_there_are_some(scripted, still_film):
    film = still_film(3)
    corners = np.array(
        [OFF[0], OFF[1], OFF[0] + 8, OFF[1], OFF[0] + 8, OFF[1] + 8, OFF[0], OFF[1] + 8]
    )
    away = replace(film, regions=np.tile(corners, (3, 1)))
    assert follow(scripted(script()), away).run.codes.tolist() == [1, 2, 0]
    assert follow(scripted(script(1, 2)), away).run.codes.tolist() == [1, -1, -1]


def test_ticks_once_an_image(scripted, still_film):
    ticks = []
    follow(scripted(script(2)), still_film(9), tick=lambda: ticks.append(1))
    assert len(ticks) == 5
