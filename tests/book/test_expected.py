"""What the chapters compute with the smoke profile, against `expected/<chapter>.json`."""

from pathlib import Path

import expectations
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "expected"
CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "chapters").glob("*.py"))


def renew(name: str) -> str:
    return f"python book/build.py --profile smoke --only {name} --expect"


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_computes_what_it_did(html, name):
    executed = nbformat.read(html / "_sources" / f"{name}.ipynb", as_version=4)
    settings = executed.metadata["cfkd"]["parameters"]
    if settings["profile"] != "smoke":
        pytest.skip(f"{html} was built with the profile {settings['profile']}")
    expected = expectations.load(EXPECTED / f"{name}.json")
    assert expected is not None, f"nothing is expected of it; run: {renew(name)}"
    wrong = expectations.differences(expected, expectations.glued(executed))
    assert not wrong, "\n".join([*wrong, f"if that is right, run: {renew(name)}"])


@pytest.mark.parametrize("path", sorted(EXPECTED.glob("*.json")), ids=lambda path: path.stem)
def test_expectation_is_of_a_chapter_and_not_of_the_machine_alone(path):
    assert path.stem in CHAPTERS
    expected = expectations.load(path)
    assert set(expected["values"]) - set(expected["machine"])
    # a name that the machine decides, or that has a tolerance, is one of a value
    names = {name.partition(": ")[0] for name in (*expected["machine"], *expected["tolerances"])}
    assert names <= set(expected["values"])
