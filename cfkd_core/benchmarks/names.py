"""What a file of published results is called: a sequence, perhaps a tracker behind it.

Toolkits write the same sequence in their own ways: `Jogging.1` in OTB's annotation, `Jogging-1` in
PySOT, `Jogging_1` in PyTracking, `jogging-1_KCF.mat` in OTB's results.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

_SEPARATOR = re.compile(r"[-_. ]+")


class Match(NamedTuple):
    """What a file's name says.

    Attributes:
        sequence: as the benchmark calls it.
        rest: what follows, the name of a tracker; empty if nothing does.
    """

    sequence: str
    rest: str


def plain(name: str) -> str:
    """A name without the differences between toolkits: small letters, a point for each separator.

    >>> plain("Jogging-1") == plain("jogging_1") == plain("Jogging.1")
    True
    """
    return _SEPARATOR.sub(".", name.casefold())


class SequenceNames:
    """The sequences of a benchmark, to be found in the names of files."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = frozenset(names)
        self._plain = defaultdict(list)
        for name in sorted(self._exact):
            self._plain[plain(name)].append(name)

    def match(self, stem: str) -> Match | None:
        """The longest name that `stem` is or begins with, up to a separator; None if none does.

        Of names that differ in nothing but separators only the very same one is found.
        """
        ends = [*(found.span() for found in _SEPARATOR.finditer(stem)), (len(stem), len(stem))]
        for end, rest in reversed(ends):
            part = stem[:end]
            candidates = [part] if part in self._exact else self._plain.get(plain(part), [])
            if len(candidates) == 1:
                return Match(candidates[0], stem[rest:])
        return None
