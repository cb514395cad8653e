"""The page that says where each figure and table of the thesis is in this book."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import source

HEAD = """# The thesis's figures and tables

Each has a counterpart here, computed again or drawn from the modules that run. This page is made
from `data/thesis/contents.csv`; a test fails if a number is missing or its figure is not in the
book. Pages are those of the thesis {cite:p}`danier2020cfkd`.
"""


@dataclass(frozen=True)
class Entry:
    """One figure or table of the thesis.

    Attributes:
        kind: `figure` or `table`.
        number: as printed, `4.1`.
        page: of the thesis.
        shows: what it shows, in our words.
        chapter: where its counterpart is.
        label: of the counterpart.
    """

    kind: str
    number: str
    page: int
    shows: str
    chapter: str
    label: str


def read(root: Path) -> list[Entry]:
    """Every figure and table of the thesis, in its own order."""
    with (root / "data" / "thesis" / "contents.csv").open(newline="", encoding="utf-8") as lines:
        return [Entry(**row | {"page": int(row["page"])}) for row in csv.DictReader(lines)]


def labels(chapter: Path) -> set[str]:
    """Labels of the figures, tables and equations that a chapter defines."""
    found: set[str] = set()
    for cell in source.read(chapter).cells:
        named = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        found |= {named} if named else set()
        if cell.cell_type == "markdown":
            found |= set(re.findall(r"^:name: (\S+)$", cell.source, re.MULTILINE))
    return found


def page(root: Path, chapters: list[str]) -> str:
    """The page as MyST; what a book without some chapters lacks is named, not linked."""
    rows = {"figure": [], "table": []}
    for entry in read(root):
        there = entry.chapter in chapters
        here = f"{{numref}}`{entry.label}`" if there else "not in this build"
        where = f"{{doc}}`{entry.chapter}`" if there else entry.chapter
        rows[entry.kind].append(
            f"| {entry.number} | {entry.page} | {entry.shows} | {here} | {where} |"
        )
    parts = [HEAD]
    for kind, lines in rows.items():
        heading = f"| {kind} | page | what it shows | here | chapter |\n|---|--:|---|---|---|"
        parts.append(f"## {kind.capitalize()}s\n\n{heading}\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)
