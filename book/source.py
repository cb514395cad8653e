"""A chapter's source: its cells, where each begins in the file, and its paired notebook."""

import ast
import hashlib
import re
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class ChapterError(ValueError):
    """A chapter or the table of contents is not as the book needs it; the message says where."""


def read(chapter: Path) -> NotebookNode:
    """The chapter as a notebook without outputs."""
    return parse(chapter.read_text(encoding="utf-8"))


def parse(text: str) -> NotebookNode:
    """A chapter's text as a notebook without outputs.

    Cell ids come from what the cells say, so the same source always gives the same bytes.
    """
    notebook = jupytext.reads(text, fmt="py:percent")
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = _digest(cell)
        cell.id = f"{digest}-{seen[digest]}"
        seen[digest] += 1
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    return notebook


def _digest(cell: NotebookNode) -> str:
    return hashlib.sha256(f"{cell.cell_type} {cell.source}".encode()).hexdigest()[:8]


def is_edited(notebook: Path) -> bool:
    """Whether somebody wrote into a paired notebook: the id of a cell is made of what it said."""
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (OSError, ValueError, AttributeError):
        return True  # whatever it is, it is not a notebook as pairing writes it
    return any(cell.get("id", "").partition("-")[0] != _digest(cell) for cell in cells)


def first_lines(text: str) -> list[int]:
    """Line number in a chapter's text, from 1, of the first line of each cell."""
    lines = text.splitlines()
    markers = [number for number, line in enumerate(lines, 1) if re.match(r"# %%( |$)", line)]
    leading = any(line.strip() for line in lines[: markers[0] - 1]) if markers else bool(lines)
    return [1] * leading + [number + 1 for number in markers]


def parameters(chapter: Path) -> set[str]:
    """Names that the chapter's `parameters` cell sets."""
    cells = [cell for cell in read(chapter).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ChapterError(
            f"{chapter}: {len(cells)} cells are tagged `parameters`; there must be exactly one"
        )
    return {
        target.id
        for statement in ast.parse(cells[0].source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def paired(chapter: Path) -> str:
    """What the chapter's tracked notebook must hold, byte for byte."""
    return nbformat.writes(read(chapter)) + "\n"
