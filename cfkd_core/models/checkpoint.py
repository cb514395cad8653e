"""Read the tensors of a torch checkpoint without running what it asks for.

`torch.load(weights_only=True)` refuses every name that it does not know. Checkpoints of trainers
carry objects besides tensors: each of their names is bound to a class that knows and does nothing,
so that nothing of the file is imported or called. Builtins, and what torch itself blocks, stay
refused.
"""

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfkd_core.errors import InputError
from cfkd_core.files import is_file

# What torch says of a name that it does not know; those of builtins have no module.
_UNKNOWN = re.compile(r"Unsupported global: GLOBAL (\S+)\.(\S+) was not an allowed")
_REFUSED = frozenset({"__builtin__", *sys.builtin_module_names})
_REASON = re.compile(r"(Unsupported (?:global: GLOBAL|operand) \S+|Trying to load unsupported .*)")


class Unread:
    """Stands for an object that the file asks for and does not get."""

    def __new__(cls, *_: object, **__: object) -> "Unread":
        """Take whatever the file gives."""
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        """Keep nothing of it."""

    def __setstate__(self, _: object) -> None:
        """Keep nothing of it."""


def read(path: Path) -> dict[str, Any]:
    """The dict that a checkpoint holds, in either format of `torch.save`, on the CPU.

    Objects of classes that are not torch's come as `Unread`.

    Raises:
        InputError: if the file is missing, damaged, asks for a builtin function, or holds anything
            but a dict.
    """
    if not is_file(path):
        raise InputError(f"{path}: no such checkpoint")
    known: dict[str, type] = {}
    while True:
        try:
            content = _load(path, list(known.values()))
            break
        # torch's reader raises whatever a damaged file makes it stumble over
        except Exception as error:
            unknown = _UNKNOWN.search(str(error))
            module, name = unknown.groups() if unknown else ("", "")
            if not name.isidentifier() or f"{module}.{name}" in known or module in _REFUSED:
                raise _refused(path, error) from None
            known[f"{module}.{name}"] = type(name, (Unread,), {"__module__": module})
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a checkpoint; expected a dict, found something else")
    return content


def _load(path: Path, known: list[Any]) -> object:
    with warnings.catch_warnings(), torch.serialization.safe_globals(known):
        warnings.simplefilter("ignore")  # of storages in the old format
        return torch.load(path, map_location="cpu", weights_only=True)


def _refused(path: Path, error: Exception) -> InputError:
    reason = _REASON.search(str(error))
    said = reason[0] if reason else (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(f"{path}: not a torch checkpoint, or damaged ({said[:200]}); fetch it again")


def is_plain(value: object) -> bool:
    """Whether a value of a checkpoint is a tensor of real numbers in memory, as networks have."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )
