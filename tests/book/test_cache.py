import cache
import pytest


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({}, {}, ""),
        ({"a": "1"}, {"a": "1"}, ""),
        ({"a": "1"}, {"a": "2"}, "a changed"),
        ({}, {"a": "1"}, "a added"),
        ({"a": "1"}, {}, "a removed"),
        ({"a": "1", "b": "1"}, {"a": "2", "b": "2"}, "a changed and 1 more"),
    ],
)
def test_change(old, new, words):
    assert cache.change(old, new) == words


def test_inputs_change_with_what_outputs_depend_on(small_book):
    chapter = small_book.chapters / "first.py"

    def change(parameters=None, edit=lambda: None):
        settings = {"profile": "smoke"}
        before = cache.inputs(small_book.root, chapter, settings)
        edit()
        return cache.change(
            before, cache.inputs(small_book.root, chapter, settings | (parameters or {}))
        )

    module = small_book.root / "cfkd_core" / "losses.py"
    data = small_book.root / "data" / "x.csv"

    def add_data():
        data.parent.mkdir()
        data.write_text("1")

    assert change() == ""
    assert (
        change(edit=lambda: small_book.write("first", "value = 1", "print(value)", prose="New."))
        == ""
    )
    assert change(edit=lambda: small_book.write("second", "value = 3")) == ""
    assert (
        change(edit=lambda: small_book.write("first", "value = 3"))
        == "code of chapters/first.py changed"
    )
    assert change(edit=lambda: module.write_text("weight = 2\n")) == "cfkd_core/losses.py changed"
    assert change(edit=add_data) == "data/x.csv added"
    assert change({"profile": "full"}) == "parameter profile changed"


def test_versions_are_those_of_the_requirements(small_book):
    (small_book.root / "requirements.txt").write_text("# one line\nnumpy==2.4.6\npyyaml\n")
    assert set(cache.versions(small_book.root)) == {"python", "numpy", "pyyaml"}
