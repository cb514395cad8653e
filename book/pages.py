"""Executed chapters and prose become the HTML book.

Sphinx reads a staging folder, never the checkout, and never executes.
"""

import copy
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from source import ChapterError

from cfkd_core import explore

NOT_PROSE = shutil.ignore_patterns(
    "*.py", "chapters", "notebooks", "_ext", "__pycache__", "_toc.yml", "jupytext.toml", ".*"
)


def stage(
    book: Path,
    toc: dict,
    notebooks: dict[str, NotebookNode],
    generated: dict[str, str],
    staging: Path,
    *,
    origin: str,
) -> None:
    """Lays out what Sphinx reads: prose with its origin, each notebook ready for the page.

    Args:
        generated: text of the prose pages that no file holds, by name.
        origin: what made this build, for pages that are not executed.
    """
    shutil.rmtree(staging, ignore_errors=True)
    shutil.copytree(book, staging, ignore=NOT_PROSE)
    (staging / "_static").mkdir(exist_ok=True)
    (staging / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    for name, text in generated.items():
        (staging / f"{name}.md").write_text(text, encoding="utf-8")
    for path in staging.glob("*.md"):
        title, _, rest = path.read_text(encoding="utf-8").partition("\n")
        banner = f'<p class="provenance">{origin}</p>'
        path.write_text(f"{title}\n\n{banner}\n{rest}", encoding="utf-8")
    for name, notebook in notebooks.items():
        nbformat.write(notebook, staging / f"{name}.ipynb")


def digest(*sources: Path) -> str:
    """A fingerprint of files and folders: equal if Sphinx would make the same pages of them."""
    found = hashlib.sha256()
    for source in sources:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(path.relative_to(source).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def page(name: str, source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The chapter's present prose around the outputs of its last run, with their provenance.

    Args:
        name: of the chapter; its page lets readers download the executed notebook.

    Raises:
        ChapterError: if the code is not the code that ran.
    """
    notebook = copy.deepcopy(source)
    title, _, rest = notebook.cells[0].source.partition("\n")
    banner = _provenance(name, executed.metadata["cfkd"])
    notebook.cells[0].source = f"{title}\n\n{banner}\n{rest}"
    notebook.metadata["cfkd"] = {
        key: value for key, value in executed.metadata["cfkd"].items() if key != "inputs"
    }
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [cell for cell in executed.cells if cell.cell_type == "code"]
    injected = [cell for cell in ran if "injected-parameters" in _tags(cell)]
    results = [cell for cell in ran if cell not in injected]
    if [cell.source for cell in code] != [cell.source for cell in results]:
        raise ChapterError(f"{title.lstrip('# ')}: changed while it was executed; build again")
    for cell, result in zip(code, results, strict=True):
        cell.outputs = [_readable(output) for output in result.outputs]
        cell.execution_count = result.execution_count
    # the page would otherwise show the default as if it were the setting
    declared = next(cell for cell in code if "parameters" in _tags(cell))
    for cell in (declared, *injected):
        cell.metadata["tags"] = [*_tags(cell), "remove-cell"]
    place = notebook.cells.index(declared) + 1
    notebook.cells[place:place] = injected
    return notebook


def html(root: Path, staging: Path, output: Path, *, strict: bool) -> str:
    """Runs Jupyter Book from scratch; gives Sphinx's complaints, empty if the pages are made.

    Args:
        strict: a warning is a failure. A part of the book has links that lead nowhere.
    """
    # a second run over old doctrees would not repeat the warnings of the first
    shutil.rmtree(output / "_build", ignore_errors=True)
    command = [
        *[str(Path(sys.executable).with_name("jupyter-book")), "build", str(staging)],
        *["--config", str(root / "_config.yml"), "--path-output", str(output), "--keep-going"],
        *["-q", *(["-W"] if strict else [])],
    ]
    extensions = str(Path(__file__).parent / "_ext")
    path = os.pathsep.join(filter(None, [extensions, os.environ.get("PYTHONPATH")]))
    run = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode:
        return run.stdout or f"jupyter-book ended with exit code {run.returncode}"
    shutil.copytree(output / "_build" / "html", output / "html")
    return ""


def only(toc: dict, names: set[str]) -> dict:
    """The table of contents without the pages that are not in `names`."""
    pruned = {}
    for key, value in toc.items():
        if isinstance(value, list):
            entries = [
                only(entry, names) for entry in value if entry.get("file", None) in {None, *names}
            ]
            value = [entry for entry in entries if files(entry)]  # a caption is no part
        if value != []:
            pruned[key] = value
    return pruned


def files(toc: dict) -> list[str]:
    """Names of the pages in reading order, the first page left out."""
    found = [toc["file"]] if "file" in toc else []
    for value in toc.values():
        if isinstance(value, list):
            found += [name for entry in value for name in files(entry)]
    return found


def _readable(output: NotebookNode) -> NotebookNode:
    """Figures inline, so that they take the colours of the page; no widget that needs a kernel."""
    bundle = output.get("data", {})
    bundle.pop("application/vnd.jupyter.widget-view+json", None)
    if "image/svg+xml" in bundle and "text/html" not in bundle:
        bundle["text/html"] = explore.inline_svg(bundle["image/svg+xml"])
    return output


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def origin(records: list[dict]) -> str:
    """What made a page that is not executed itself: the chapters around it."""
    newest = max(records, key=lambda record: record["date"])
    commits = " and ".join(sorted({record["commit"] for record in records}))
    settings = ", ".join(f"{name} {value}" for name, value in newest["parameters"].items())
    seconds = sum(record["seconds"] for record in records)
    return (
        f"Of a book whose chapters were executed until {newest['date']}, in {seconds:.0f} s "
        f"together: {settings}; commit {commits}; {_versions(newest)}."
    )


def _versions(record: dict) -> str:
    """The versions that matter most, in words."""
    found = record["versions"]
    shown = [name for name in ("python", "torch", "numpy") if name in found]
    return ", ".join(f"{name} {found[name]}" for name in shown)


def _provenance(name: str, record: dict) -> str:
    """What made the numbers of this page, in one paragraph."""
    settings = ", ".join(f"{name} {value}" for name, value in record["parameters"].items())
    return (
        f'<p class="provenance">Executed on {record["date"]} in {record["seconds"]:.0f} s: '
        f"{settings}; commit {record['commit']}; {_versions(record)}. "
        f'<a href="_sources/{name}.ipynb" download>Download the executed notebook</a>.</p>\n'
    )
