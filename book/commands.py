"""Writes the page of all commands, from the parser that reads them.

python book/commands.py
"""

import contextlib
import io
import os
import sys
from pathlib import Path

from cfkd_core.__main__ import COMMANDS, main

PAGE = Path(__file__).parent / "commands.md"

# of the help's text; narrow enough for the page's column
WIDTH = 76

INTRODUCTION = """\
# Every command

`cfkd COMMAND`, or `python -m cfkd_core COMMAND` in a checkout. A mistake in what you give is one
line on standard error and exit code 2; something that failed on the way is exit code 1; Ctrl-C
is 130. This page is what `--help` says; `python book/commands.py` writes it.
"""


def page() -> str:
    """The page, the same wherever it is made."""
    os.environ["COLUMNS"] = str(WIDTH)
    parts = [INTRODUCTION]
    for name in COMMANDS:
        lines = [line.rstrip() for line in help_of(name).strip().splitlines()]
        parts.append("\n".join([f"## {name}", "", "```text", *lines, "```", ""]))
    return "\n".join(parts)


def help_of(name: str) -> str:
    """What a command prints for `--help`."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        main([name, "--help"])
    return shown.getvalue()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
