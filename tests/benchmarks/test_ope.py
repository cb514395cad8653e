"""The two halves of an evaluation, with trackers whose scores are known beforehand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cfkd_core.benchmarks import ope, report
from cfkd_core.datasets.sequence import Sequence
from cfkd_core.errors import InputError
from cfkd_core.tracking.tracker import Prediction


class Still:
    """Never moves; counts how often it is started."""

    def __init__(self, name: str = "still", **options):
        self.name = name
        self.card = {"options": options}
        self.starts = 0

    def init(self, frame, box):
        self.starts += 1
        self.box = np.asarray(box, dtype=float)

    def update(self, frame):
        return Prediction(self.box, 1.0, "normal")


class Oracle(Still):
    """Reads the answer from the frame, where `_sequence` has written it."""

    def update(self, frame):
        x, y, w, h = frame[0, :4, 0].astype(float)
        return Prediction(np.array([x, y, w, h]), 1.0, "normal")


class Drifting(Still):
    """Half a pixel a frame to the right of where it was."""

    def update(self, frame):
        self.box = self.box + [0.5, 0, 0, 0]  # noqa: RUF005
        return super().update(frame)


class Failing(Still):
    """Breaks in the third frame of the sequence `b`."""

    def update(self, frame):
        if frame[1, 0, 0] == ord("b") and frame[1, 1, 0] == 2:
            raise RuntimeError("lost its mind")
        return super().update(frame)


def _sequence(name: str, length: int = 10, origin: int = 0) -> Sequence:
    boxes = np.column_stack([20 + 5.0 * np.arange(length), np.full((length, 3), [30.0, 10, 12])])
    frames = np.zeros((length, 60, 80, 3), np.uint8)
    frames[:, 0, :4, 0] = boxes
    frames[:, 1, 0, 0] = ord(name)
    frames[:, 1, 1, 0] = np.arange(length)
    attributes = frozenset({"SV"}) if name == "a" else frozenset({"SV", "OCC"})
    return Sequence(name, list(frames), boxes, np.ones(length, bool), attributes, origin)


@pytest.fixture
def sequences():
    return [_sequence("a"), _sequence("b", 15, origin=1)]


def test_oracle_and_still_score_as_computed(tmp_path, sequences):
    outcomes = ope.run([Still(), Oracle("oracle")], sequences, tmp_path, "toy")
    assert [(each.tracker, each.sequence) for each in outcomes] == [
        ("still", "a"), ("still", "b"), ("oracle", "a"), ("oracle", "b")
    ]  # fmt: skip
    assert all(each.error is None and each.fps > 0 and not each.kept for each in outcomes)
    oracle, still = ope.score("toy", sequences, tmp_path)
    assert (oracle.tracker, still.tracker) == ("oracle", "still")
    assert oracle.scores == pytest.approx({"success_auc": 20 / 21, "precision_at_20": 1.0})
    # 5 px a frame: frames 0 to 4 are within 20 px, of 10 and of 15
    assert still.scores["precision_at_20"] == pytest.approx((5 / 10 + 5 / 15) / 2)


def test_result_files_count_as_the_benchmark_does(tmp_path, sequences):
    ope.run([Drifting("drift")], sequences, tmp_path, "toy")
    folder = tmp_path / "toy" / "drift"
    assert (folder / "a.txt").read_text().splitlines()[:2] == [
        "20.0000,30.0000,10.0000,12.0000", "20.5000,30.0000,10.0000,12.0000"
    ]  # fmt: skip
    assert (folder / "b.txt").read_text().splitlines()[1] == "21.5000,31.0000,10.0000,12.0000"
    assert len((folder / "b_time.txt").read_text().splitlines()) == 15
    card = json.loads((folder / "tracker.json").read_text())
    data = card.pop("sequences")
    assert card == {"tracker": "drift", "options": {}}
    assert {name: each["length"] for name, each in data.items()} == {"a": 10, "b": 15}
    assert not list(folder.glob("*.partial"))


def test_a_second_run_keeps_what_is_there(tmp_path, sequences):
    first = ope.run([Still()], sequences[:1], tmp_path, "toy")
    tracker = Still()
    outcomes = ope.run([tracker], sequences, tmp_path, "toy")
    assert [each.kept for each in outcomes] == [True, False]
    assert tracker.starts == 1
    assert outcomes[0].fps == pytest.approx(first[0].fps, rel=0.05)
    forced = Still()
    assert not any(each.kept for each in ope.run([forced], sequences, tmp_path, "toy", force=True))
    assert forced.starts == 2


def test_another_configuration_is_refused(tmp_path, sequences):
    ope.run([Still(speed=1)], sequences, tmp_path, "toy")
    untouched = Still("other")
    with pytest.raises(InputError, match=r"options: .*1.* then, .*2.* now\); --force"):
        ope.run([untouched, Still(speed=2)], sequences, tmp_path, "toy")
    assert untouched.starts == 0, "nothing is tracked before everything is checked"
    assert not (tmp_path / "toy/other").exists()
    ope.run([Still(speed=2)], sequences[:1], tmp_path, "toy", force=True)
    files = sorted(path.name for path in (tmp_path / "toy" / "still").glob("[!.]*"))
    assert files == ["a.txt", "a_time.txt", "tracker.json"], "files of the old one must not stay"


def test_boxes_without_a_card_are_of_unknown_origin(tmp_path, sequences):
    ope.run([Still()], sequences, tmp_path, "toy")
    (tmp_path / "toy/still/tracker.json").unlink()
    with pytest.raises(InputError, match=r"no tracker\.json"):
        ope.run([Still()], sequences, tmp_path, "toy")
    assert len(ope.score("toy", sequences, tmp_path)) == 1, "they can be scored all the same"


def test_boxes_of_another_video_are_refused(tmp_path, sequences):
    ope.run([Still()], sequences, tmp_path, "toy")
    with pytest.raises(InputError, match="10 boxes for a sequence of 8 frames"):
        ope.run([Still()], [_sequence("a", 8)], tmp_path, "toy")
    moved = replace(sequences[0], boxes=sequences[0].boxes + 1)
    with pytest.raises(InputError, match="starts from another box"):
        ope.run([Still()], [moved], tmp_path, "toy")


def test_two_trackers_of_one_name_are_refused(tmp_path, sequences):
    with pytest.raises(InputError, match="still is named twice"):
        ope.run([Still(), Still(speed=2)], sequences, tmp_path, "toy")


def test_one_failure_leaves_the_rest_their_turn(tmp_path, sequences):
    outcomes = ope.run([Failing("failing"), Still()], sequences[::-1], tmp_path, "toy")
    failed = [each for each in outcomes if each.error is not None]
    assert [(each.tracker, each.sequence, each.error) for each in failed] == [
        ("failing", "b", "lost its mind")
    ]
    assert not (tmp_path / "toy/failing/b.txt").exists()
    assert not (tmp_path / "toy/failing/b_time.txt").exists()
    assert len(outcomes) == 4


def test_a_forced_run_that_fails_leaves_no_old_boxes(tmp_path, sequences):
    class Moody(Still):
        works = True

        def update(self, frame):
            if not self.works:
                raise RuntimeError
            return super().update(frame)

    tracker = Moody()
    ope.run([tracker], sequences, tmp_path, "toy")
    tracker.works = False
    outcomes = ope.run([tracker], sequences[1:], tmp_path, "toy", force=True)
    assert outcomes[0].error == "RuntimeError"
    (partly,) = ope.score("toy", sequences, tmp_path, partial=True)
    assert partly.missing == ("b",)


def test_an_interrupted_run_leaves_no_half_file(tmp_path, sequences):
    class Interrupted(Still):
        def update(self, frame):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ope.run([Interrupted()], sequences, tmp_path, "toy")
    assert [path.name for path in (tmp_path / "toy/still").glob("[!.]*")] == ["tracker.json"]


def test_missing_results_are_named_and_scored_only_on_request(tmp_path, sequences):
    ope.run([Still()], sequences[:1], tmp_path, "toy")
    with pytest.raises(
        InputError, match=r"1 of 2 sequences missing or incomplete \(b\).*--partial"
    ):
        ope.score("toy", sequences, tmp_path)
    (partly,) = ope.score("toy", sequences, tmp_path, partial=True)
    assert (partly.missing, [each.name for each in partly.sequences]) == (("b",), ["a"])
    assert report.table([partly]).loc["still", "sequences"] == "1 of 2"


def test_short_results_are_incomplete(tmp_path, sequences):
    ope.run([Still()], sequences, tmp_path, "toy")
    file = tmp_path / "toy/still/b.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match=r"\(b\)"):
        ope.score("toy", sequences, tmp_path)


def test_score_names_what_there_is(tmp_path, sequences):
    with pytest.raises(InputError, match="no results"):
        ope.score("toy", sequences, tmp_path)
    ope.run([Still(), Oracle("oracle")], sequences, tmp_path, "toy")
    with pytest.raises(InputError, match="there are oracle, still"):
        ope.score("toy", sequences, tmp_path, trackers=["csrt"])
    assert [each.tracker for each in ope.score("toy", sequences, tmp_path, trackers=["still"])] == [
        "still"
    ]


def test_unreadable_results_are_named(tmp_path, sequences):
    ope.run([Still()], sequences, tmp_path, "toy")
    (tmp_path / "toy/still/a.txt").write_text("1,2,3\n")
    with pytest.raises(InputError, match=r"a\.txt, line 1: expected 4 numbers"):
        ope.score("toy", sequences, tmp_path)


def test_boxes_of_other_toolkits_are_scored(tmp_path, sequences):
    """No card, no times, tabs: as other projects publish them."""
    folder = tmp_path / "toy" / "theirs"
    folder.mkdir(parents=True)
    for sequence in sequences:
        boxes = sequence.to_published(sequence.boxes)
        np.savetxt(folder / f"{sequence.name}.txt", boxes, delimiter="\t", fmt="%.2f")
    (theirs,) = ope.score("toy", sequences, tmp_path)
    assert theirs.scores["success_auc"] == pytest.approx(20 / 21)
    assert theirs.fps is None
    assert theirs.card == {}


def test_progress_is_silent_where_nobody_watches(tmp_path, sequences, capsys):
    ope.run([Still()], sequences, tmp_path, "toy")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
