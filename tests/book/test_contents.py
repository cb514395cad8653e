"""Every figure and table of the thesis has its place in the book."""

import re
from pathlib import Path

import contents
import pages
import pytest

ROOT = Path(__file__).parents[2]
ENTRIES = contents.read(ROOT)


def listed(text: str, heading: str) -> dict[str, int]:
    """Number -> page, as one of the thesis's lists has them."""
    part = text[text.index(f"\n{heading}\n") :]
    part = re.split(r"\n(?:List of Tables|Chapter 1)\n", part[1:], maxsplit=1)[0]
    lines = re.findall(r"^(\d\.\d)\s.*?(\d+)$", part, re.MULTILINE)
    return {number: int(page) for number, page in lines}


@pytest.mark.parametrize("kind", ["figure", "table"])
def test_every_number_of_the_thesis_is_there_with_its_page(kind, shared):
    text = (shared / "thesis.txt").read_text(encoding="utf-8")
    printed = listed(text, f"List of {kind.capitalize()}s")
    ours = {entry.number: entry.page for entry in ENTRIES if entry.kind == kind}
    # two lines of the list were cut off where the thesis was made text
    assert len(printed) >= len(ours) - 3
    assert printed.items() <= ours.items()


def test_numbers_run_on():
    assert len({(entry.kind, entry.number) for entry in ENTRIES}) == len(ENTRIES)
    for kind, chapters in (("figure", "1 1 1 2 3 3 3 3 3 4 4 4 4"), ("table", "4 4 4 4 4 4 4 4")):
        numbers = [entry.number for entry in ENTRIES if entry.kind == kind]
        assert [number[0] for number in numbers] == chapters.split()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind} {entry.number}")
def test_every_counterpart_is_in_its_chapter(entry):
    chapter = ROOT / "book" / "chapters" / f"{entry.chapter}.py"
    if not chapter.exists():
        pytest.skip(f"the chapter {entry.chapter} is not written")
    assert entry.label in contents.labels(chapter)


def test_the_page_links_what_is_built_and_names_the_rest():
    text = contents.page(ROOT, ["student"])
    assert (
        "| 3.3 | 27 | a residual block and an inverted one | {numref}`fig:student-block` |" in text
    )
    assert "| 4.6 | 45 | trackers on LaSOT | not in this build | benchmarks |" in text
    assert text.count("\n| ") == len(ENTRIES) + 2


def test_a_part_of_the_book_has_no_empty_parts():
    parts = [{"caption": name, "chapters": [{"file": name}]} for name in ("first", "second")]
    toc = {"format": "jb-book", "root": "index", "parts": parts}
    assert pages.only(toc, {"second"})["parts"] == parts[1:]
