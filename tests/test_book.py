"""What the book promises about its files, without building it."""

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))

import pages  # noqa: E402
import source  # noqa: E402

CHAPTERS = sorted((ROOT / "book" / "chapters").glob("*.py"))

# import name -> its requirement: a name that differs, or the package that brings it along
DISTRIBUTIONS = {
    "cv2": "opencv-contrib-python-headless",
    "skimage": "scikit-image",
    "myst_nb": "myst-nb",
    "yaml": "pyyaml",
    "IPython": "ipykernel",
    "lightning_fabric": "lightning-fabric",
    "traitlets": "ipykernel",
    "matplotlib_inline": "ipykernel",
    "cycler": "matplotlib",
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "jupyter_client": "ipykernel",
}
OURS = {"cfkd_core", *(path.stem for path in (ROOT / "book").glob("*.py"))}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
class TestPair:
    def test_notebook_is_what_the_chapter_gives(self, chapter):
        notebook = ROOT / "book" / "notebooks" / f"{chapter.stem}.ipynb"
        assert notebook.exists(), "run: python book/build.py --pair"
        assert notebook.read_text(encoding="utf-8") == source.paired(chapter), (
            "run: python book/build.py --pair"
        )

    def test_notebook_has_no_outputs(self, chapter):
        notebook = nbformat.read(
            ROOT / "book" / "notebooks" / f"{chapter.stem}.ipynb", as_version=4
        )
        nbformat.validate(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert cell.outputs == []
                assert cell.execution_count is None

    def test_chapter_begins_with_its_title(self, chapter):
        cells = source.read(chapter).cells
        assert re.match(r"# \w", cells[0].source)
        assert (
            sum(
                bool(re.match(r"# \w", cell.source))
                for cell in cells
                if cell.cell_type == "markdown"
            )
            == 1
        )

    def test_profile_is_smoke_unless_told_otherwise(self, chapter):
        tagged = [
            c for c in source.read(chapter).cells if "parameters" in c.metadata.get("tags", [])
        ]
        assert 'profile = "smoke"' in tagged[0].source


def test_every_chapter_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    assert {chapter.stem for chapter in CHAPTERS} <= set(pages.files(toc))


def test_every_notebook_has_a_chapter():
    notebooks = {path.stem for path in (ROOT / "book" / "notebooks").glob("*.ipynb")}
    assert notebooks == {chapter.stem for chapter in CHAPTERS}


def test_conda_environment_only_points_to_the_requirements():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"] == [
        "python=3.11",
        "pip",
        {"pip": ["-r requirements.txt", "-e ."]},
    ]


def imported(path: Path) -> set[str]:
    """Top-level names of the absolute imports in a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    froms = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level
    ]
    return {name.partition(".")[0] for name in plain + froms}


@pytest.mark.parametrize("folder", ["cfkd_core", "book"])
def test_every_import_is_required(folder):
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = {match[0].lower() for line in lines if (match := re.match(r"[\w.-]+", line))}
    for path in (ROOT / folder).rglob("*.py"):
        foreign = imported(path) - set(sys.stdlib_module_names) - OURS
        missing = {
            name for name in foreign if DISTRIBUTIONS.get(name, name).lower() not in required
        }
        assert not missing, f"{path.relative_to(ROOT)} imports {missing}"


def test_requirements_of_the_package_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {re.match(r"[\w.-]*", line)[0].lower() for line in lines}
    missing = {re.match(r"[\w.-]+", each)[0].lower() for each in wanted} - pinned
    assert not missing
