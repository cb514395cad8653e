"""The page of the commands, and the help that it is made of."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from cfkd_core.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def written():
    """What the generator makes now, in a process of its own: it sets the width of the help."""
    program = "import sys; sys.path.insert(0, 'book'); import commands; print(commands.page())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.removesuffix("\n")


def test_the_page_is_up_to_date(written):
    page = (ROOT / "book" / "commands.md").read_text(encoding="utf-8")
    assert page == written, "run: python book/commands.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_a_line_for_every_option(name, written):
    section = written.split(f"## {name}\n")[1].split("\n## ")[0]
    assert f"  cfkd {name}" in section
    for option, parameter in inspect.signature(COMMANDS[name]).parameters.items():
        if tyro.conf.Positional not in getattr(parameter.annotation, "__metadata__", ()):
            assert re.search(rf"^\W*--{option.replace('_', '-')}\b", section, re.MULTILINE), option


def test_the_page_is_in_the_book():
    assert "file: commands" in (ROOT / "book" / "_toc.yml").read_text()
