"""Ranges of the commands' options: part of their types, and checked once, before a command runs."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_type_hints

from cfkd_core.errors import InputError


@dataclass(frozen=True)
class Range:
    """Numbers that an option may have, both ends included."""

    low: int | float
    high: int | float


Count = Annotated[int, Range(1, 10**9)]
Amount = Annotated[int, Range(0, 10**9)]
Seed = Annotated[int, Range(0, 2**31 - 1)]
Rate = Annotated[float, Range(1e-3, 1e6)]
Factor = Annotated[float, Range(1e-6, 1e6)]
PatchSide = Annotated[int, Range(32, 4096)]


def checked(command: Callable[..., int]) -> Callable[..., int]:
    """The command, which refuses options outside the ranges of its annotations.

    Raises:
        InputError: when it is called, naming the option.
    """
    hints = get_type_hints(command, include_extras=True)
    ranges = {name: list(_ranges(hint)) for name, hint in hints.items()}

    @functools.wraps(command)
    def call(*args: Any, **options: Any) -> int:
        given = inspect.signature(command).bind(*args, **options).arguments
        for name, value in given.items():
            for each in ranges[name] if value is not None else ():
                if not each.low <= value <= each.high:
                    bound = f"most {each.high}" if value > each.high else f"least {each.low}"
                    raise InputError(f"--{name.replace('_', '-')} {value}: at {bound}")
        return command(*args, **options)

    return call


def _ranges(hint: Any) -> Iterator[Range]:
    """Those in an annotation, and in the alternatives of a union."""
    for part in get_args(hint):
        if isinstance(part, Range):
            yield part
        else:
            yield from _ranges(part)
