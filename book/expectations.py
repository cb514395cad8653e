"""What chapters computed, against what they are expected to.

An expectation is a file a chapter, `tests/book/expected/<chapter>.json`, of the smoke profile:

- `values`: glued values by name; a table is a list of rows of cells.
- `tolerances`: a name -> how far its numbers may lie apart, as a share of the larger one, where
  the usual `TOLERANCE` does not do.
- `machine`: names of values that the machine decides (times, frames per second). Only their
  presence is expected. In a table, `name: heading` leaves out one column. Of a sentence on what
  happens "on one thread" only the words are expected.

Writing anew keeps `tolerances` and `machine`, and adds to `machine` what its name gives away.
"""

import ast
import json
import math
import re
from itertools import chain
from pathlib import Path

from nbformat import NotebookNode

Cells = list[list[str]]
Value = float | int | str | bool | Cells

TOLERANCE = 0.02
# Below this a number is as good as nothing: a share of it means little.
NOTHING = 1e-6

# Words of a name or a heading that say: this is the machine's.
MACHINE = re.compile(
    r"(^|[_\W])(fps|ms|millisecond|milliseconds|seconds?|took|latency|latencies|time|times|speed|"
    r"faster|slower|date|commit)([_\W]|$)",
    re.IGNORECASE,
)
_TIMED = re.compile(r"on one (thread|core)")
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def glued(notebook: NotebookNode) -> dict[str, Value]:
    """Name -> value of everything that an executed notebook has glued, pictures left out."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                value = _value(output["data"])
                found |= {name: value} if value is not None else {}
    return found


def _value(bundle: dict[str, str]) -> Value | None:
    """What was glued, from the forms in which the notebook keeps it."""
    keys = {key.removeprefix("application/papermill.record/"): key for key in bundle}
    if "text/markdown" in keys:
        return _cells(bundle[keys["text/markdown"]])
    if set(keys) != {"text/plain"}:
        return None
    try:
        return ast.literal_eval(bundle[keys["text/plain"]])
    except (ValueError, SyntaxError):
        return bundle[keys["text/plain"]]


def _cells(markdown: str) -> Value:
    """The rows of a pipe table; other Markdown is text."""
    lines = [line.strip() for line in markdown.strip().splitlines()]
    if not lines or not all(line.startswith("|") for line in lines):
        return markdown
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not all(re.fullmatch(r":?-*:?", cell) for cell in row)]


def differences(expected: dict, found: dict[str, Value]) -> list[str]:
    """One line for each value that is missing, unexpected or not as expected."""
    values, machine = expected["values"], set(expected["machine"])
    lines = [f"{name}: no longer computed" for name in values if name not in found]
    lines += [f"{name}: new" for name in found if name not in values]
    for name in values.keys() & found.keys() - machine:
        allowed = expected["tolerances"].get(name, TOLERANCE)
        if not _alike(
            _kept(name, values[name], machine), _kept(name, found[name], machine), allowed
        ):
            lines.append(f"{name}: expected {values[name]!r}, found {found[name]!r}")
    return sorted(lines)


def _kept(name: str, value: Value, machine: set[str]) -> Value:
    """A table without the columns that the machine decides."""
    if not isinstance(value, list):
        return value
    left = [index for index, title in enumerate(value[0]) if f"{name}: {title}" not in machine]
    return [[row[index] for index in left if index < len(row)] for row in value]


def _alike(first: Value, second: Value, allowed: float) -> bool:
    if isinstance(first, list) and isinstance(second, list):
        same = [len(row) for row in first] == [len(row) for row in second]
        pairs = zip(chain(*first), chain(*second), strict=False)
        return same and all(_alike(one, other, allowed) for one, other in pairs)
    if isinstance(first, str) and isinstance(second, str):
        return _alike_words(first, second, allowed)
    if isinstance(first, float) or isinstance(second, float):
        return _near(float(first), float(second), allowed)
    return first == second


def _alike_words(first: str, second: str, allowed: float) -> bool:
    """The same words, with numbers near each other: as allowed, or by one of the last digit."""
    if _NUMBER.sub("#", first) != _NUMBER.sub("#", second):
        return False
    if _TIMED.search(first):
        return True
    pairs = zip(_NUMBER.findall(first), _NUMBER.findall(second), strict=True)
    return all(
        _near(_read(one), _read(other), allowed, max(_unit(one), _unit(other)))
        for one, other in pairs
    )


def _read(number: str) -> float:
    return float(number.replace("−", "-"))


def _unit(number: str) -> float:
    """One in the last printed digit; whole numbers are counts and have none to spare."""
    digits = number.partition("e")[0].partition(".")[2]
    return 1.001 * 10.0 ** -len(digits) if digits else 0.0


def _near(first: float, second: float, allowed: float, unit: float = 0.0) -> bool:
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    room = max(allowed * max(abs(first), abs(second)), unit, NOTHING)
    return abs(first - second) <= room


def renewed(previous: dict | None, found: dict[str, Value]) -> dict:
    """The expectation that `found` fulfils, with what people have set in the previous one."""
    previous = previous or {"tolerances": {}, "machine": []}
    names = set(found) | {
        f"{name}: {title}"
        for name, value in found.items()
        if isinstance(value, list)
        for title in value[0]
    }
    machine = {name for name in names if MACHINE.search(name.partition(": ")[2] or name)}
    return {
        "values": found,
        "tolerances": {
            name: allowed for name, allowed in previous["tolerances"].items() if name in found
        },
        "machine": sorted((machine | set(previous["machine"])) & names),
    }


def load(path: Path) -> dict | None:
    """An expectation, if there is one at `path`."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def save(path: Path, expected: dict) -> None:
    """Writes an expectation, a value a line, so that a change of one is a line's change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = []
    for key, entry in expected.items():
        if isinstance(entry, dict):
            lines = [f"  {json.dumps(k)}: {_line(v)}" for k, v in entry.items()]
            parts.append(
                f' "{key}": {{\n' + ",\n".join(lines) + "\n }" if lines else f' "{key}": {{}}'
            )
        else:
            parts.append(f' "{key}": {json.dumps(entry, ensure_ascii=False)}')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _line(value: Value) -> str:
    """A value on one line, a table on one a row."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"   {_json(row)}" for row in value) + "\n  ]"
    return _json(value)


def _json(entry: object) -> str:
    return json.dumps(entry, ensure_ascii=False)
