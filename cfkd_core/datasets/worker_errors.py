"""What goes wrong in a process that reads images, in the words of one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from cfkd_core.errors import InputError

_DIED = re.compile(r"DataLoader worker \(pid\S* [\d, ]+\) (.+)", re.DOTALL)


@contextmanager
def worker_errors() -> Iterator[None]:
    """Translate what a `DataLoader` raises where its worker processes fail.

    To be put around each `next` of the loader's iterator.

    Raises:
        InputError: the worker's own, without the traceback that torch adds to its message; and if a
            worker died.
    """
    try:
        yield
    except InputError as error:
        # torch makes the error anew, of a traceback that ends in the first one
        _, traceback, message = str(error).rpartition("InputError: ")
        if not traceback:
            raise
        raise InputError(message.removesuffix("\\n")) from None
    except RuntimeError as error:
        died = _DIED.match(str(error))
        if died is None:
            raise
        reason = died[1].strip().split(". ")[0].rstrip(".")
        raise InputError(
            f"a worker process that reads images {reason}; most likely memory ran out: repeat the "
            "command with fewer --workers to go on"
        ) from None
