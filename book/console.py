"""Commands in fenced blocks of a page, with what they print, and whether they do."""

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")

# A score may move in the second decimal between processors and decoders; a speed anywhere.
TOLERANCE = 0.03


class Block(NamedTuple):
    """A fenced block."""

    language: str
    kind: str
    text: str


def blocks(page: Path, language: str, *kinds: str) -> list[Block]:
    """The fenced blocks of a page that have this language, and one of these words after it."""
    found = [Block(*match) for match in FENCE.findall(page.read_text(encoding="utf-8"))]
    return [each for each in found if each.language == language and each.kind in kinds]


def commands(block: Block) -> list[tuple[str, str]]:
    """(command, what it prints) of each line that begins with a prompt."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    return [tuple(part.split("\n", 1)) for part in parts]


def clone(root: Path, folder: Path) -> Path:
    """A fresh clone of a checkout, with this environment as its own `.venv`."""
    subprocess.run(["git", "clone", "--quiet", "--no-local", root, folder], check=True)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def can_clone(root: Path) -> bool:
    """Whether there is something to clone, and somebody who does it."""
    return (root / ".git").exists() and shutil.which("git") is not None


def shell(command: str, folder: Path) -> str:
    """What a command prints to standard output; it must succeed."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("CFKD_DATA", None)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check_printed(expected: str, printed: str) -> None:
    """Each line that the README shows was printed, in order; `...` stands for anything."""
    rest = iter(printed.splitlines())
    lines = [line for line in expected.splitlines() if line.strip()]
    for previous, line in pairwise(["...", *lines]):
        if line == "...":
            continue
        candidates = rest if previous == "..." else [next((r for r in rest if r.strip()), "")]
        assert any(agree(line, each) for each in candidates), f"{line!r} is not in\n{printed}"


def agree(line: str, printed: str) -> bool:
    """Whether two lines say the same, but for speeds, and digits that another processor changes."""
    if "..." in line:
        return re.fullmatch(".*".join(map(re.escape, line.split("..."))), printed) is not None
    ours, theirs = [NUMBER.sub("#", each).split() for each in (line, printed)]
    if ours != theirs:
        return False
    pairs = zip(NUMBER.findall(line), NUMBER.findall(printed), strict=True)
    return all(_same_number(a, b, timed="FPS" in line) for a, b in pairs)


def _same_number(expected: str, found: str, *, timed: bool) -> bool:
    if "." not in expected:
        return expected == found
    # in a table, scores are shares: what is above 1 is a speed
    if timed or float(expected) > 1:
        return float(found) > 0
    return abs(float(expected) - float(found)) <= TOLERANCE


def run_block(block: Block, folder: Path) -> None:
    """Runs the commands of a block, one after the other, and compares what they print."""
    for command, expected in commands(block):
        check_printed(expected, shell(command, folder))
