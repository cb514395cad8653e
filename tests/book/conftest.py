import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book"))

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


def build(*arguments: object) -> subprocess.CompletedProcess:
    """The command that people run."""
    command = [sys.executable, str(ROOT / "book" / "build.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200)


class SmallBook:
    """A book of two chapters in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.chapters = root / "book" / "chapters"
        self.chapters.mkdir(parents=True)
        shutil.copy(ROOT / "_config.yml", root)
        shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
        (root / "book" / "references.bib").write_text("")
        (root / "book" / "index.md").write_text("# A small book\n")
        (root / "cfkd_core").mkdir()
        (root / "cfkd_core" / "losses.py").write_text("weight = 1\n")
        self.toc("first", "second")
        self.write("first", "value = 1", "print(value)")
        self.write("second", "value = 2", "print(value)")

    def toc(self, *names: str) -> None:
        lines = ["format: jb-book", "root: index", "chapters:", *(f"- file: {n}" for n in names)]
        (self.root / "book" / "_toc.yml").write_text("\n".join(lines) + "\n")

    def write(self, name: str, *cells: str, prose: str = "Some prose.") -> None:
        head = f'# %% [markdown]\n# # {name}\n#\n# {prose}\n\n# %% tags=["parameters"]\n'
        body = "".join(f"\n# %%\n{cell}\n" for cell in cells)
        (self.chapters / f"{name}.py").write_text(f'{head}profile = "smoke"\n{body}')

    def build(self, *arguments: object) -> subprocess.CompletedProcess:
        return build("--root", self.root, "--profile", "smoke", *arguments)

    @property
    def html(self) -> Path:
        return self.root / "build" / "html"


@pytest.fixture(scope="session")
def run_build():
    """The command that people run, as a function of its arguments."""
    return build


@pytest.fixture
def small_book(tmp_path):
    return SmallBook(tmp_path)


@pytest.fixture(scope="module")
def lasting_book(tmp_path_factory):
    """One for all tests of a module."""
    return SmallBook(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium, or give its path in CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-gpu"]}
        with_browser = playwright.chromium.launch(**options)
        yield with_browser
        with_browser.close()


@pytest.fixture(scope="session")
def html(run_build):
    """The book: the one in CFKD_HTML, or one built here with the smoke profile."""
    if given := os.environ.get("CFKD_HTML"):
        return Path(given).resolve()
    output = ROOT / "build" / "tests"
    result = run_build("--profile", "smoke", "--output", output)
    assert result.returncode == 0, result.stdout + result.stderr
    return output / "html"
