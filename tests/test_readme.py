"""Every command of the README, as printed, in a fresh clone.

The word after `console` says how a block is tested: `slow` ones take minutes; of `make` ones, which
take a quarter of an hour and which `.ci/run` runs, the rules are expanded; `install` and `later`
ones must be what make does. `text options` blocks are parts of commands with placeholders: the
options must exist.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cfkd_core.__main__ import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT / "book"))

import console  # noqa: E402

PRINTED = console.blocks(README, "console", "", "slow")
PARTS = console.blocks(README, "text", "options")


def first_command(block):
    return re.sub(r"\W+", "-", console.commands(block)[0][0])[:60]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    if not console.can_clone(ROOT):
        pytest.skip("not a git checkout: there is nothing to clone")
    return console.clone(ROOT, tmp_path_factory.mktemp("readme") / "cfkd")


class TestCommands:
    """In the order of the README: later blocks use what earlier ones have written."""

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "block", console.blocks(README, "console", "", "slow"), ids=first_command
    )
    def test_prints_what_the_readme_says(self, block, clone):
        console.run_block(block, clone)

    @pytest.mark.slow
    def test_python_block_runs_as_printed(self, clone):
        (block,) = console.blocks(README, "python", "")
        program = block.text + "\nprint(*(round(number) for number in box), status)"
        printed = subprocess.run(
            [".venv/bin/python", "-c", program],
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert re.fullmatch(r"(-?\d+ ){4}\w+\n", printed)


def test_there_are_commands_to_test():
    assert len(console.blocks(README, "console", "")) >= 4
    kinds = {match[1] for match in console.FENCE.findall(README.read_text(encoding="utf-8"))}
    assert kinds <= {"", "slow", "make", "install", "later", "options"}


def test_make_commands_have_rules_and_ci_runs_them():
    (block,) = console.blocks(README, "console", "make")
    steps = (ROOT / ".ci" / "run").read_text()
    for command, _ in console.commands(block):
        goal = command.split("#")[0].strip()
        dry = subprocess.run(
            [*goal.split(), "--dry-run", "--old-file=.venv/.ready", "PYTHON=python3"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert dry.returncode == 0, dry.stderr
        assert goal in steps


def test_installing_by_hand_is_what_make_does():
    (block,) = console.blocks(README, "console", "install")
    recipe = (ROOT / "Makefile").read_text()
    recipe = recipe.replace("$(PYTHON)", "python3").replace("$(RUN)", ".venv/bin/python")
    recipe = recipe.replace("--quiet ", "").replace("$(if $(wildcard $(UNFINISHED)),--clear) ", "")
    for command, _ in console.commands(block):
        assert command.strip() in recipe


def test_building_by_hand_is_what_make_does():
    (block,) = console.blocks(README, "console", "later")
    recipe = (ROOT / "Makefile").read_text().replace("$(RUN)", ".venv/bin/python")
    for command, _ in console.commands(block):
        assert command.strip() in recipe


@pytest.mark.parametrize(
    "block", console.blocks(README, "text", "options"), ids=lambda block: block.text[:20]
)
def test_options_exist(block, capsys):
    for line in block.text.splitlines():
        name, *words = line.split("#")[0].split()
        with pytest.raises(SystemExit, match="0"):
            main([name, "--help"])
        known = capsys.readouterr().out
        for option in (word for word in words if word.startswith("--")):
            assert option in known, f"{name} {option}"


@pytest.mark.parametrize(
    ("line", "printed", "same"),
    [
        ("80 frames; 49.7 FPS", "80 frames; 12.1 FPS", True),
        ("80 frames; 49.7 FPS", "81 frames; 49.7 FPS", False),
        ("| csrt | 0.696 | 40.1 | 28 |", "| csrt | 0.690 | 3.2 | 28 |", True),
        ("| csrt | 0.696 | 40.1 | 28 |", "| csrt | 0.596 | 40.1 | 28 |", False),
        ("wrote a.mp4", "wrote b.mp4", False),
        ("ok  python  3.11...", "ok  python  3.11.2 at /usr/bin", True),
        ("ok  python  3.11...", "wrong  python  3.10", False),
    ],
)
def test_agreement_forgives_speed_and_nothing_else(line, printed, same):
    assert console.agree(line, printed) is same
