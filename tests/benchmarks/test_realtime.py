"""A clock that is given: what a tracker gets to see of a video that does not wait."""

import math

import numpy as np
import pytest

from cfkd_core.benchmarks.clocks import ConstantClock, LiveClock, RecordedClock, read_clock
from cfkd_core.benchmarks.realtime import RULES, RealTime
from cfkd_core.benchmarks.reset import WithRestarts
from cfkd_core.errors import InputError

ON, OFF = [10.0, 10.0, 8.0, 8.0], [40.0, 25.0, 8.0, 8.0]


def run(tracker, film, **options):
    return RealTime(**options).run(tracker, film, lambda: None)


def moving(t):
    """A box that says in which image it was found, and stays on the target."""
    return [10 + t / 1000, 10.0, 8.0, 8.0]


def ages(found):
    """Frames between image and booking of each box that is there."""
    frames = np.flatnonzero(found.run.tracked)
    return frames - ((found.run.regions[frames, 0] - 10) * 1000).round().astype(int)


@pytest.mark.parametrize(
    ("rule", "fps", "seen", "age"),
    [
        ("legacy", 19, 190, 0.10), ("legacy", 15, 151, 0.49), ("legacy", 12, 121, 0.98),
        ("legacy", 10, 102, 1.48), ("legacy", 9, 92, 1.82), ("legacy", 5, 53, 4.38),
        ("toolkit-0.9", 19, 200, 0), ("toolkit-0.9", 15, 200, 0), ("toolkit-0.9", 12, 200, 0),
        ("toolkit-0.9", 10, 200, 0), ("toolkit-0.9", 9, 102, 0.49), ("toolkit-0.9", 5, 53, 1.47),
    ],
)  # fmt: skip
def test_constant_trackers_see_what_the_toolkits_show_them(
    scripted, still_film, rule, fps, seen, age
):
    """200 frames at 20 FPS, both toolkits run with a fake clock.

    Source: Benchmarks, exactly, section 1.5.
    """
    tracker = scripted(moving)
    found = run(tracker, still_film(200), rule=rule, clock=ConstantClock(1 / fps))
    assert len(tracker.shown) == seen
    assert np.isfinite(found.seconds).sum() == seen
    assert found.run.codes.tolist() == [1] + [-1] * 199
    # the start has age 0
    assert ages(found).sum() / 200 == pytest.approx(age, abs=0.0051)


def test_the_legacy_rule_frame_by_frame(scripted, still_film):
    """Two and a half frames an answer, three of them free: by hand with the rule's rounding."""
    tracker = scripted(moving)
    found = run(tracker, still_film(14), clock=ConstantClock(2.5 / 20))
    # clock after each answer, in frames: 1 2 3 | 5.5 8 10.5 13; rounded 1 2 3 6 8 11 13, less one
    assert tracker.shown == [0, 1, 2, 3, 6, 8, 11, 13]
    booked = [0, 1, 2, 2, 2, 3, 3, 6, 6, 6, 8, 8, 11]
    assert (np.arange(1, 14) - ages(found)).tolist() == [*booked[1:], 11]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("failures", [(), (1,), (5,), (7, 12, 13), (28,), (29,)])
def test_an_infinitely_fast_tracker_is_run_as_without_a_clock(scripted, still_film, rule, failures):
    def script(t):
        return OFF if t in failures else moving(t)

    film = still_film(30)
    waited = WithRestarts().run(scripted(script), film, lambda: None).run
    fast = run(scripted(script), film, rule=rule, clock=ConstantClock(0.0)).run
    np.testing.assert_array_equal(fast.codes, waited.codes)
    np.testing.assert_array_equal(fast.regions, waited.regions)


def test_a_late_failure_restarts_the_clock(scripted, still_film):
    """Three frames an answer, none forgiven but the first three."""
    film = still_film(30)
    # shown 0 1 2 3, booked in 0 1 2 5; then 6 in 8, 9 in 11: that one misses
    tracker = scripted(lambda t: OFF if t == 9 else ON)
    found = run(tracker, film, clock=ConstantClock(3 / 20))
    assert tracker.shown[:6] == [0, 1, 2, 3, 6, 9]
    assert found.run.codes[:17].tolist() == [1, *[-1] * 10, 2, 0, 0, 0, 0, 1]
    # restarted in 16, with its grace: 17 and 18 are booked at once
    assert tracker.shown[6:10] == [16, 17, 18, 19]
    assert tracker.inits == [0, 16]


def test_a_held_box_that_fails_is_a_failure_where_it_fails(scripted, still_film):
    """The target jumps in frame 4, while the box of frame 2 is still held; the new one is right."""
    film = still_film(14)
    film.boxes[4:] = OFF
    tracker = scripted(lambda t: ON if t < 3 else OFF)
    found = run(tracker, film, clock=ConstantClock(3 / 20))
    # shown 0 1 2 3; the answer to 3 is booked in 5, as in the toolkit; the restart is 5 after that
    assert found.run.codes.tolist() == [1, -1, -1, -1, 2, -1, 0, 0, 0, 0, 1, -1, -1, -1]
    assert tracker.inits == [0, 10]
    # if the new one misses, too, there is one failure, the later one
    tracker = scripted(lambda t: ON)
    found = run(tracker, film, clock=ConstantClock(3 / 20))
    assert found.run.codes[:11].tolist() == [1, -1, -1, -1, 0, 2, 0, 0, 0, 0, 1]


def test_a_held_box_can_fail_by_the_milder_rule(scripted, still_film):
    film = still_film(12)
    film.boxes[4:] = OFF
    tracker = scripted(lambda t: ON if t < 4 else OFF)
    # three frames an answer: after the grace, the answer to 3 is held in 4 and 5
    found = run(tracker, film, rule="toolkit-0.9", clock=ConstantClock(3.01 / 20))
    assert tracker.shown[:4] == [0, 1, 2, 3]
    assert found.run.codes.tolist() == [1, -1, -1, -1, 2, 0, 0, 0, 0, 1, -1, -1]


def test_answers_that_come_after_the_end_do_not_count(scripted, still_film):
    tracker = scripted(lambda t: OFF if t == 3 else ON)
    found = run(tracker, still_film(8), clock=ConstantClock(10.0))
    assert tracker.shown == [0, 1, 2, 3]
    assert found.run.codes.tolist() == [1] + [-1] * 7


def test_a_recorded_clock_gives_each_frame_its_seconds(scripted, still_film, tmp_path):
    """A record of a constant tracker shows what the constant clock shows."""
    (tmp_path / "film_time.txt").write_text("0.1\n" * 200)
    film = still_film(200)
    expected = scripted(moving)
    run(expected, film, clock=ConstantClock(0.1))
    for place in (tmp_path, tmp_path / "film_time.txt"):
        tracker = scripted(moving)
        run(tracker, film, clock=RecordedClock(place))
        assert tracker.shown == expected.shown
    # one slow frame, after the grace: 0.2 s are four frames, so that 11, 12, 13 are not seen
    seconds = np.full(200, 0.01)
    seconds[10] = 0.2
    np.savetxt(tmp_path / "film_time.txt", seconds)
    tracker = scripted(moving)
    run(tracker, film, clock=RecordedClock(tmp_path))
    assert tracker.shown[9:13] == [9, 10, 14, 15]


def test_a_live_clock_measures(scripted, still_film):
    found = run(scripted(moving), still_film(5), clock=LiveClock(), fps=0.1)
    assert (found.seconds > 0).all()
    assert found.run.codes.tolist() == [1, -1, -1, -1, -1]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0.1\n" * 3, r"no seconds for frame 3 \(line 4\)"),
        ("0.1\nnan\n0.1\n0.1\n", r"no seconds for frame 1 \(line 2\)"),
        ("0.1\n-1\n", "not negative"),
        ("0.1\ninf\n", "expected 1 numbers"),
        ("0.1,0.2\n", "expected 1 numbers"),
    ],
)
def test_an_unfit_record_is_refused(scripted, still_film, tmp_path, lines, message):
    (tmp_path / "film_time.txt").write_text(lines)
    with pytest.raises(InputError, match=message):
        run(scripted(moving), still_film(4), clock=RecordedClock(tmp_path))


def test_a_record_of_another_sequence_is_missing(scripted, still_film, tmp_path):
    with pytest.raises(InputError, match=r"film_time\.txt: no such record"):
        run(scripted(moving), still_film(4), clock=RecordedClock(tmp_path))


def test_clocks_by_name(tmp_path):
    assert read_clock("live") == LiveClock()
    assert read_clock("50") == ConstantClock(0.05)
    assert read_clock(str(tmp_path)) == RecordedClock(tmp_path)
    for text, message in (("-1", "negative"), ("nan", "finite"), ("fast", "neither")):
        with pytest.raises(InputError, match=message):
            read_clock(text)


def test_cards_name_what_decides(tmp_path):
    record = tmp_path / "a_time.txt"
    record.write_text("0.1\n")
    first = RealTime(clock=RecordedClock(tmp_path)).card
    assert (first["rule"], first["fps"]) == ("legacy", 20.0)
    record.write_text("0.2\n")
    assert RealTime(clock=RecordedClock(tmp_path)).card != first
    assert RealTime(clock=ConstantClock(0.05)).card["latency"] == "50 ms"


@pytest.mark.parametrize("options", [{"rule": "vot2020"}, {"fps": 0.0}, {"fps": math.nan}])
def test_unfit_options_are_refused(options):
    with pytest.raises(InputError):
        RealTime(**options)
