"""What an executed chapter depends on, and whether that has changed.

Everything that can change an output is an input here: the code cells of the chapter, every file
of cfkd_core, every file in data/, the parameters and the installed versions. Prose is not: an
edited paragraph is put around the outputs that are there.
"""

import hashlib
import importlib.metadata
import json
import platform
import re
from functools import cache
from pathlib import Path

import source

Inputs = dict[str, str]


def versions(root: Path) -> Inputs:
    """Python, and the installed version of each package that requirements.txt names."""
    pinned = root / "requirements.txt"
    lines = pinned.read_text(encoding="utf-8").splitlines() if pinned.exists() else []
    names = [match[0] for line in lines if (match := re.match(r"[\w.-]+", line))]
    return {"python": platform.python_version()} | {name: _version(name) for name in names}


def _version(name: str) -> str:
    """Of a package; what is not installed cannot change an output: a tool of the tests, say."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def inputs(root: Path, chapter: Path, parameters: dict[str, object]) -> Inputs:
    """Name and fingerprint of all that the outputs of `chapter` depend on."""
    code = [cell.source for cell in source.read(chapter).cells if cell.cell_type == "code"]
    files = [
        path
        for folder in ("cfkd_core", "data")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return {
        f"code of chapters/{chapter.name}": _digest(json.dumps(code).encode()),
        **{f"parameter {name}": repr(value) for name, value in parameters.items()},
        **versions(root),
        **{path.relative_to(root).as_posix(): _file(path) for path in files},
    }


def change(old: Inputs, new: Inputs) -> str:
    """The first difference in words; empty if there is none."""
    words = [f"{name} added" for name in new if name not in old]
    words += [f"{name} removed" for name in old if name not in new]
    words += [f"{name} changed" for name in new if old.get(name, new[name]) != new[name]]
    more = f" and {len(words) - 1} more" if len(words) > 1 else ""
    return words[0] + more if words else ""


def _file(path: Path) -> str:
    state = path.stat()
    return _content(path, state.st_mtime_ns, state.st_size)


# twenty chapters depend on the same weights
@cache
def _content(path: Path, changed: int, size: int) -> str:
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
