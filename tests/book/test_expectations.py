"""Comparing what chapters computed with what they are expected to, on values by hand."""

import expectations
import nbformat
import pytest
from myst_nb import glue
from nbformat import v4


def notebook(**values):
    """One that has glued `values`, as myst-nb leaves them."""
    outputs = [
        v4.new_output(
            "display_data",
            {f"application/papermill.record/{kind}": text},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
        for name, (kind, text) in values.items()
    ]
    return v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)])


TABLE = "| tracker | success | fps |\n|---|---:|---:|\n| csrt | 0.696 | 40.1 |\n"
ROWS = [["tracker", "success", "fps"], ["csrt", "0.696", "40.1"]]


def test_glued_values_are_read_back():
    found = expectations.glued(
        notebook(
            auc=("text/plain", "0.25"),
            films=("text/plain", "28"),
            best=("text/plain", "'csrt'"),
            table=("text/markdown", TABLE),
            words=("text/markdown", "a *word*"),
        )
    )
    assert found == {"auc": 0.25, "films": 28, "best": "csrt", "table": ROWS, "words": "a *word*"}


def test_pictures_are_left_out():
    assert expectations.glued(notebook(picture=("image/svg+xml", "<svg/>"))) == {}


def test_what_is_glued_by_myst_nb_is_found(monkeypatch):
    """The form that the real `glue` gives, not the one we think it has."""
    shown = []
    monkeypatch.setattr(
        "myst_nb.ext.glue.ipy_display", lambda *one, **two: shown.append((one, two))
    )
    glue("auc", 0.25, display=False)
    (((data,), keywords),) = shown
    output = v4.new_output("display_data", data, metadata=keywords["metadata"])
    made = v4.new_notebook(cells=[v4.new_code_cell("", outputs=[output])])
    nbformat.validate(made)
    assert expectations.glued(made) == {"auc": 0.25}


def expected(values, machine=(), tolerances=None):
    return {"values": values, "machine": list(machine), "tolerances": tolerances or {}}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (0.5, 0.505, True),  # within two per cent
        (0.5, 0.52, False),
        (0.0, 1e-9, True),
        (0.0, 1e-3, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (28, 29, False),  # a count is exact
        ("csrt", "kcf", False),
        ("0.696 ± 0.01", "0.699 ± 0.02", True),
        ("3 films", "4 films", False),
        ("−0.50", "0.50", False),
        (ROWS, ROWS, True),
        (ROWS, ROWS[:1], False),
        (ROWS, [ROWS[0], ["csrt", "0.596", "40.1"]], False),
        (ROWS, [ROWS[0], ["kcf", "0.696", "40.1"]], False),
        (ROWS, "no table", False),
    ],
)
def test_alike(one, other, alike):
    lines = expectations.differences(expected({"x": one}), {"x": other})
    assert (lines == []) == alike


def test_missing_and_new_values_are_named():
    lines = expectations.differences(expected({"old": 1, "same": 2}), {"new": 1, "same": 2})
    assert lines == ["new: new", "old: no longer computed"]


def test_a_tolerance_of_its_own():
    room = expected({"x": 1.0}, tolerances={"x": 0.5})
    assert expectations.differences(room, {"x": 1.4}) == []
    assert expectations.differences(room, {"x": 2.1}) != []


def test_of_what_happens_on_one_thread_only_the_words_count():
    known = expected({"why": "reproduced: 1.9 times on one thread"})
    assert not expectations.differences(known, {"why": "reproduced: 2.4 times on one thread"})
    assert expectations.differences(known, {"why": "contradicted: 1.9 times on one thread"})


def test_what_the_machine_decides_must_only_be_there():
    known = expected({"fps": 20.0, "t": ROWS}, machine=["fps", "t: fps"])
    slower = [ROWS[0], ["csrt", "0.696", "3.0"]]
    assert expectations.differences(known, {"fps": 2.0, "t": slower}) == []
    assert expectations.differences(known, {"t": slower}) == ["fps: no longer computed"]


def test_renewing_keeps_what_people_have_set():
    previous = expected({"x": 1.0, "gone": 2}, ["x", "gone"], {"x": 0.5, "gone": 0.1})
    found = {"x": 3.0, "median_ms": 4.0, "t": ROWS, "times_smaller": 14.2, "runtime": 1.0}
    renewed = expectations.renewed(previous, found)
    assert renewed["values"] == found
    assert renewed["tolerances"] == {"x": 0.5}
    assert renewed["machine"] == ["median_ms", "t: fps", "times_smaller", "x"]
    assert expectations.differences(renewed, found) == []


def test_files_give_back_what_was_saved(tmp_path):
    content = expected({"x": 1.5, "t": ROWS, "words": "±"}, ["x"], {"x": 0.1})
    path = tmp_path / "folder" / "chapter.json"
    expectations.save(path, content)
    assert expectations.load(path) == content
    assert expectations.load(tmp_path / "none.json") is None
    assert '   ["csrt", "0.696", "40.1"]\n' in path.read_text(encoding="utf-8")
