"""One chapter run from top to bottom by papermill, one plain line a cell."""

import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
import source
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

TRACEBACK_LINES = 15
CELL_SECONDS = 1200
# level 50 silences ipykernel's remarks at start and shutdown; the history file is not ours to write
KERNEL_ARGUMENTS = ["--IPKernelApp.log_level=50", "--HistoryManager.enabled=False"]


@dataclass(frozen=True)
class Failure:
    """Where a chapter broke: `place` is chapters/x.py:LINE."""

    place: str
    traceback: str


def run(
    chapter: Path, parameters: dict[str, object], output: Path, say: Callable[[str], None]
) -> Failure | None:
    """Executes `chapter` into the notebook `output`; on a failure `output` holds what ran.

    Args:
        say: is told one line a code cell, as each ends.
    """
    text = chapter.read_text(encoding="utf-8")
    notebook = source.parse(text)
    output.parent.mkdir(parents=True, exist_ok=True)
    places = zip(source.first_lines(text), notebook.cells, strict=True)
    lines = {cell.id: line for line, cell in places if cell.cell_type == "code"}
    progress = _Progress(chapter.stem, lines, say)
    try:
        with tempfile.TemporaryDirectory(prefix="cfkd-") as sockets:
            papermill.execute_notebook(
                notebook,
                output,
                parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                execution_timeout=CELL_SECONDS,
                extra_arguments=KERNEL_ARGUMENTS,
                config=_transport(Path(sockets)),
                on_cell_start=progress.start,
                on_cell_executed=progress.end,
            )
    except papermill.PapermillExecutionError as error:
        place, trace = progress.line + _line_in_cell(error), "\n".join(error.traceback)
    except (CellTimeoutError, DeadKernelError) as error:
        place, trace = progress.line, str(error)
    else:
        return None
    tail = re.sub(r"\x1b\[[0-9;]*m", "", trace).splitlines()[-TRACEBACK_LINES:]
    return Failure(f"chapters/{chapter.name}:{place}", "\n".join(tail))


class _Progress:
    """Tells of each code cell as it ends."""

    def __init__(self, name: str, lines: dict[str, int], say: Callable[[str], None]) -> None:
        self.name = name
        self.lines = lines
        self.say = say
        # papermill adds the cell with the parameters
        self.cells = 1 + len(lines)
        self.done = 0
        self.line = 1

    def start(self, cell: NotebookNode, cell_index: int) -> None:
        self.since = time.perf_counter()
        self.line = self.lines.get(cell.id, self.line)

    def end(self, cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        self.done += 1
        seconds = time.perf_counter() - self.since
        failed = "FAILED  " if execute_reply["content"]["status"] == "error" else ""
        label = cell.source.strip().partition("\n")[0].lstrip("# ")[:60]
        self.say(f"{self.name}  [{self.done:2d}/{self.cells}] {seconds:6.1f} s  {failed}{label}")


def _transport(folder: Path) -> Config:
    """Kernel sockets as files: TCP ports can be taken between being chosen and being bound."""
    config = Config()
    if os.name == "posix":
        for manager in ("KernelManager", "AsyncKernelManager"):
            config[manager].transport = "ipc"
            config[manager].ip = str(folder / "k")
    return config


def _line_in_cell(error: papermill.PapermillExecutionError) -> int:
    """Which line of its cell failed, from 0, as far as the traceback says."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    # the first frame that is a cell is the failing one; those below it are functions it called
    frame = re.search(r"^\s*(?:File )?Cell In\[\d+\], line (\d+)", text, re.MULTILINE)
    return int(frame[1]) - 1 if frame else 0


def load(path: Path) -> NotebookNode | None:
    """An executed notebook, if there is one at `path` and it ran to its end."""
    if not path.exists():
        return None
    notebook = nbformat.read(path, as_version=4)
    return notebook if "cfkd" in notebook.metadata else None


def stamp(path: Path, record: dict[str, object]) -> None:
    """Marks the notebook at `path` as complete and writes what made it."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["cfkd"] = record
    nbformat.write(notebook, path)
