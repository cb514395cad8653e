"""Builds the book: executes the chapters, then makes the pages.

python book/build.py --profile smoke
python book/build.py --only correlation_filters
python book/build.py --pair
python book/build.py --profile smoke --expect
"""

import argparse
import itertools
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import cache
import contents
import execution
import expectations
import pages
import reference
import source
import yaml

from cfkd_core import provenance

PROFILES = ("smoke", "default", "full")

# Chapters that time things: they get the machine to themselves.
ALONE = ("speed",)
# Each is a process of its own, with torch in its memory.
MOST_JOBS = 4

# Pages that no file holds: name -> what makes its text, from the checkout and the chapters there.
GENERATED = {
    "contents": contents.page,
    "api": lambda root, chapters: reference.page(root),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter."""

    name: str
    seconds: float
    state: str
    failure: execution.Failure | None = None


@dataclass(frozen=True)
class Book:
    """Where one build reads and writes, and how it executes."""

    root: Path
    output: Path
    profile: str
    seed: int
    force: bool

    @property
    def folder(self) -> Path:
        return self.root / "book"

    def chapter(self, name: str) -> Path:
        return self.folder / "chapters" / f"{name}.py"

    def executed(self, name: str) -> Path:
        return self.output / "executed" / self.profile / f"{name}.ipynb"

    def expected(self, name: str) -> Path:
        return self.root / "tests" / "book" / "expected" / f"{name}.json"

    def parameters(self, name: str) -> dict[str, object]:
        """Values for the names that the chapter declares; it may declare no others."""
        known = {"profile": self.profile, "seed": self.seed}
        declared = source.parameters(self.chapter(name))
        if "profile" not in declared or declared - known.keys():
            raise source.ChapterError(
                f"{self.chapter(name)}: its parameters cell sets {sorted(declared)}; "
                f"it must set `profile`, may set `seed`, and nothing else"
            )
        return {key: known[key] for key in known if key in declared}


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    book = Book(options.root, options.output, options.profile, options.seed, options.force)
    try:
        toc = yaml.safe_load((book.folder / "_toc.yml").read_text(encoding="utf-8"))
        chapters = _chapters(book, toc)
        chosen = _chosen(options.only, chapters)
        if options.pair:
            return _pair(book, chapters)
        result = _build(book, toc, chapters, chosen, options.jobs)
        return result or (_expect(book, chosen) if options.expect else 0)
    except source.ChapterError as error:
        print(error, file=sys.stderr)
        return 2


def _options(arguments: list[str] | None) -> argparse.Namespace:
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description="Build the book into build/html.")
    parser.add_argument("--profile", choices=PROFILES, default="default")
    parser.add_argument("--only", nargs="+", metavar="CHAPTER", help="a part of the book")
    parser.add_argument("--force", action="store_true", help="execute even what is up to date")
    parser.add_argument("--jobs", type=int, default=_cores(), help="chapters at the same time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pair", action="store_true", help="chapters -> notebooks, then stop")
    parser.add_argument(
        "--expect", action="store_true", help="let the tests expect what smoke computes now"
    )
    parser.add_argument("--root", type=Path, default=root, help="the checkout")
    parser.add_argument("--output", type=Path, help="where to build (default: ROOT/build)")
    options = parser.parse_args(arguments)
    if options.expect and options.profile != "smoke":
        parser.error("--expect: tests look at the smoke profile; add --profile smoke")
    options.root = options.root.resolve()
    options.output = (options.output or options.root / "build").resolve()
    return options


def _cores() -> int:
    """Those that this process may use, but at most `MOST_JOBS`."""
    here = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    return min(len(here), MOST_JOBS)


def _chapters(book: Book, toc: dict) -> list[str]:
    """Names of the chapters to execute, in reading order; prose pages need no run."""
    chapters = []
    for name in pages.files(toc):
        if book.chapter(name).exists():
            chapters.append(name)
        elif name not in GENERATED and not (book.folder / f"{name}.md").exists():
            raise source.ChapterError(
                f"{book.folder / '_toc.yml'} lists {name}, but there is neither "
                f"chapters/{name}.py nor {name}.md beside it"
            )
    return chapters


def _chosen(only: list[str] | None, chapters: list[str]) -> list[str]:
    unknown = set(only or ()) - set(chapters)
    if unknown:
        raise source.ChapterError(
            f"--only {' '.join(sorted(unknown))}: the chapters are {', '.join(chapters)}"
        )
    return [name for name in chapters if only is None or name in only]


def _pair(book: Book, chapters: list[str]) -> int:
    for name in chapters:
        target = book.folder / "notebooks" / f"{name}.ipynb"
        target.parent.mkdir(exist_ok=True)
        if target.exists() and source.is_edited(target):
            kept = _kept(target)
            target.rename(kept)
            print(
                f"notebooks/{target.name} was edited and is kept as notebooks/{kept.name}; "
                f"what shall stay belongs into chapters/{name}.py"
            )
        target.write_text(source.paired(book.chapter(name)), encoding="utf-8")
        print(f"chapters/{name}.py -> notebooks/{name}.ipynb")
    return 0


def _kept(notebook: Path) -> Path:
    """A free name for an edited notebook."""
    names = (notebook.with_suffix(f".edited{n or ''}.ipynb") for n in itertools.count())
    return next(path for path in names if not path.exists())


def _expect(book: Book, chosen: list[str]) -> int:
    for name in chosen:
        found = expectations.glued(execution.load(book.executed(name)))
        expected = book.expected(name)
        expectations.save(expected, expectations.renewed(expectations.load(expected), found))
        print(f"{expected.relative_to(book.root)}: {len(found)} values")
    return 0


def _build(book: Book, toc: dict, chapters: list[str], chosen: list[str], jobs: int) -> int:
    # whatever happens next, an old book must not pass for this one
    html, previous = book.output / "html", book.output / "previous"
    if html.exists():
        shutil.rmtree(previous, ignore_errors=True)
        html.rename(previous)
    outcomes = _execute(book, chosen, jobs)
    failed = any(outcome.failure for outcome in outcomes)
    made = not failed and _make_pages(book, toc, chapters, chosen)
    _summarise(book, outcomes)
    if failed:
        print("\nNo pages were made. Mend the chapter and run again: what succeeded is kept.")
    elif made:
        print(f"\nOpen {book.output / 'html' / 'index.html'}")
    else:
        print("\nNo pages were made: Sphinx's complaints are above the summary.")
    return 0 if made else 1


def _execute(book: Book, chosen: list[str], jobs: int) -> list[Outcome]:
    # the venv's own kernel, whatever kernels the user has registered
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    for name in chosen:
        book.parameters(name)  # what is wrong with a chapter is said before any is executed
    if jobs == 1:
        return [_run(book, name) for name in chosen]
    together = [name for name in chosen if name not in ALONE]
    alone = [name for name in chosen if name in ALONE]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs) as pool:
        outcomes = dict(zip(together, pool.map(partial(_run, book), together), strict=True))
    outcomes |= {name: _run(book, name) for name in alone}
    return [outcomes[name] for name in chosen]


def _run(book: Book, name: str) -> Outcome:
    parameters = book.parameters(name)
    inputs = cache.inputs(book.root, book.chapter(name), parameters)
    previous = execution.load(book.executed(name))
    reason = (
        "forced" if book.force
        else "never executed to its end" if previous is None
        else cache.change(previous.metadata["cfkd"]["inputs"], inputs)
    )  # fmt: skip
    if not reason:
        _say(f"{name}  up to date, reused")
        return Outcome(name, 0.0, "reused")
    _say(f"{name}  to execute: {reason}")
    start = time.perf_counter()
    failure = execution.run(book.chapter(name), parameters, book.executed(name), _say)
    seconds = time.perf_counter() - start
    if failure:
        return Outcome(name, seconds, "FAILED", failure)
    record = {
        "inputs": inputs,
        "parameters": parameters,
        "versions": cache.versions(book.root),
        "commit": provenance.commit(book.root) or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": seconds,
    }
    execution.stamp(book.executed(name), record)
    return Outcome(name, seconds, "executed")


def _make_pages(book: Book, toc: dict, chapters: list[str], chosen: list[str]) -> bool:
    """The whole book, or with `--only` the chosen chapters and the prose pages."""
    start = time.perf_counter()
    executed = {name: execution.load(book.executed(name)) for name in chosen}
    notebooks = {
        name: pages.page(name, source.read(book.chapter(name)), notebook)
        for name, notebook in executed.items()
    }
    whole = chosen == chapters
    if not whole:
        toc = pages.only(toc, set(pages.files(toc)) - set(chapters) | set(chosen))
        print("A part of the book: links to the other chapters lead nowhere.")
    generated = {
        name: make(book.root, chosen)
        for name, make in GENERATED.items()
        if name in pages.files(toc)
    }
    origin = pages.origin([notebook.metadata["cfkd"] for notebook in executed.values()])
    staging = book.output / "src"
    pages.stage(book.folder, toc, notebooks, generated, staging, origin=origin)
    complaints = _html(book, staging, strict=whole)
    _say(f"pages  {time.perf_counter() - start:.1f} s\n{complaints}".rstrip())
    return not complaints


def _html(book: Book, staging: Path, *, strict: bool) -> str:
    """Makes the pages, or takes those of the last build if nothing that they show has changed."""
    previous, record = book.output / "previous", book.output / "pages.txt"
    machinery = [book.root / "_config.yml", Path(__file__).parent / "_ext"]
    digest = f"{strict} {pages.digest(staging, *machinery)}"
    if previous.exists() and record.exists() and record.read_text() == digest:
        previous.rename(book.output / "html")
        return ""
    shutil.rmtree(previous, ignore_errors=True)
    complaints = pages.html(book.root, staging, book.output, strict=strict)
    if not complaints:
        record.write_text(digest)
    return complaints


def _summarise(book: Book, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.failure:
            print(f"\n{outcome.failure.place}\n{outcome.failure.traceback}")
            print(f"The notebook as far as it came: {book.executed(outcome.name)}")
    width = max(len(outcome.name) for outcome in outcomes)
    print(f"\n{'chapter':{width}}  seconds  profile {book.profile}")
    for outcome in outcomes:
        print(f"{outcome.name:{width}}  {outcome.seconds:7.1f}  {outcome.state}")


def _say(line: str) -> None:
    """A line at once, also when the output goes to a file."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
