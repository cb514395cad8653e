"""The pages on adding things, followed to the letter in a fresh clone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))

import console  # noqa: E402

PAGES = sorted((ROOT / "book").glob("add_*.md"))
LINES = 60


def test_there_is_a_page_for_each_kind_of_thing():
    names = {page.stem for page in PAGES}
    assert names == {"add_backbone", "add_benchmark", "add_dataset", "add_loss"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
class TestPage:
    def test_is_short_and_in_the_book(self, page):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= LINES
        assert f"file: {page.stem}\n" in (ROOT / "book" / "_toc.yml").read_text()

    def test_its_difference_applies_to_this_tree(self, page, tmp_path):
        (change,) = console.blocks(page, "diff", "")
        (tmp_path / "mine.diff").write_text(change.text)
        command = ["git", "apply", "--check", str(tmp_path / "mine.diff")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"make the page's difference anew: {done.stderr}"

    @pytest.mark.slow
    def test_works_when_it_is_followed(self, page, tmp_path):
        if not console.can_clone(ROOT):
            pytest.skip("not a git checkout: there is nothing to clone")
        folder = console.clone(ROOT, tmp_path / "cfkd")
        (change,) = console.blocks(page, "diff", "")
        (folder / "mine.diff").write_text(change.text)
        console.shell("git apply mine.diff && .venv/bin/ruff check cfkd_core", folder)
        for block in console.blocks(page, "console", ""):
            console.run_block(block, folder)
