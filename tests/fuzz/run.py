"""Feeds a target, and tells what came of it."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cfkd_core.errors import LONGEST, InputError
from tests.fuzz import mutants
from tests.fuzz.guard import Finding, guarded
from tests.fuzz.targets import TARGETS


@dataclass
class Tally:
    """What a target did with its inputs.

    Attributes:
        read: inputs that were sound.
        refused: those that ended in an `InputError` of one line.
        findings: number of the input -> what should not have happened.
    """

    read: int = 0
    refused: int = 0
    findings: dict[int, str] = field(default_factory=dict)


def fuzz(name: str, count: int, seed: int, first: int = 0) -> Tally:
    """The seeds as they are, and then `count` inputs from number `first` on."""
    tally = Tally()
    corpus = mutants.seeds(name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for number in (*range(-len(corpus), 0), *range(first, first + count)):
            content = made(name, seed, number, corpus)
            with _fresh(Path(scratch) / "input") as folder:
                try:
                    _feed(name, folder, content)
                    tally.read += 1
                except InputError as error:
                    tally.refused += 1
                    if "\n" in str(error) or len(str(error)) > LONGEST:
                        tally.findings[number] = f"a long message: {str(error)[:200]!r}"
                except (Exception, Finding) as error:
                    tally.findings[number] = f"{type(error).__name__}: {str(error)[:300]}"
            if sorted(path.name for path in Path(scratch).iterdir()):
                tally.findings[number] = "a file outside its folder"
    return tally


def made(name: str, seed: int, number: int, corpus: list[bytes]) -> bytes:
    """Input `number`; the corpus itself has the numbers below 0."""
    if number < 0:
        return corpus[number]
    return mutants.mutant(corpus, random.Random(f"{seed}/{name}/{number}"))


def _feed(name: str, folder: Path, content: bytes) -> None:
    with guarded(folder):
        TARGETS[name](folder, content)


@contextmanager
def _fresh(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
