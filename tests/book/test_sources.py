"""Every section that code, tests and pages cite is there to be read."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"The original, exactly": "original", "Benchmarks, exactly": "toolkits"}

NUMBER = r"\d(?:\.\d)?"
CITATION = re.compile(
    rf"(?P<page>{'|'.join(PAGES)}), sections? (?P<sections>{NUMBER}(?:(?:, | and ){NUMBER})*)"
    r"(?:, (?:items?|steps?) (?P<steps>\d+(?:(?:, | and )\d+)*))?"
)
HEADING = re.compile(rf"^\((?P<label>\S+)\)=\n##+ (?P<number>{NUMBER}) \S", re.MULTILINE)


def files() -> Iterator[Path]:
    """What readers open: code, pages, cards of weights; not this file, which has patterns."""
    yield from sorted(ROOT.glob("*.md"))
    for folder in ("cfkd_core", "tests", "book", "data"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".md", ".json", ".ipynb"} and path != Path(__file__):
                yield path


def one_line(text: str) -> str:
    """Without line breaks, whatever they are in: prose, a comment, a string in two parts."""
    return re.sub(r"\s+", " ", re.sub(r'"?\n\s*(?:#\s|")?', " ", text))


def sections(page: str) -> dict[str, str]:
    """Text of a page's sections, up to the next heading, by number."""
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {
        heading["number"]: text[heading.end() : end]
        for heading, end in zip(headings, ends, strict=True)
    }


def missing(text: str, found: dict[str, dict[str, str]]) -> list[str]:
    """Citations whose section, or item or step of it, is not in `found`, by title and number."""
    wrong = []
    for citation in CITATION.finditer(one_line(text)):
        page, cited = found[citation["page"]], re.findall(NUMBER, citation["sections"])
        steps = re.findall(r"\d+", citation["steps"] or "")
        if not all(number in page for number in cited) or not all(
            re.search(rf"^{step}\. ", page[cited[-1]], re.MULTILINE) for step in steps
        ):
            wrong.append(citation[0])
    return wrong


@pytest.fixture(scope="module")
def pages() -> dict[str, dict[str, str]]:
    return {title: sections(page) for title, page in PAGES.items()}


@pytest.mark.parametrize(("title", "page"), PAGES.items())
def test_every_section_has_its_number_and_label(title, page):
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    labels = {heading["number"]: heading["label"] for heading in HEADING.finditer(text)}
    assert text.startswith(f"# {title}\n")
    assert len(labels) == len(re.findall(r"^##+ ", text, re.MULTILINE))
    assert labels == {each: f"{page}-{each.replace('.', '-')}" for each in labels}
    assert f"file: {page}\n" in (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")


def test_a_citation_is_followed_across_lines():
    found = {"The original, exactly": {"1.2": "1. One.\n2. Two.\n", "3": ""}}
    assert missing("# (The original, exactly,\n# sections 3 and 1.2, step 2), and 4", found) == []
    assert missing('"(The original, "\n    "exactly, section 5)"', found) == [
        "The original, exactly, section 5"
    ]
    assert missing("The original, exactly, section 1.2, item 3.", found) == [
        "The original, exactly, section 1.2, item 3"
    ]


def test_every_citation_names_a_section(pages):
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files()}
    wrong = {str(path): found for path, text in texts.items() if (found := missing(text, pages))}
    assert wrong == {}
    assert sum(len(CITATION.findall(one_line(text))) for text in texts.values()) > 100


def test_every_mention_of_a_page_names_a_section():
    """A citation that the pattern does not know would not be followed."""
    for path in files():
        if path.suffix not in {".py", ".json"}:
            continue
        text = one_line(path.read_text(encoding="utf-8", errors="replace"))
        for title in PAGES:
            cited = [each["page"] for each in CITATION.finditer(text)].count(title)
            assert text.count(title) == cited, path


def test_nothing_cites_what_readers_do_not_have():
    for path in files():
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"\b(?:facts|protocols)\.md\b", text), path
