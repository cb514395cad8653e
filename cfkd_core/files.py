"""Files that are written whole or not at all, and read only if they can be what they claim."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cfkd_core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: runs are not kept apart there
    fcntl = None  # type: ignore[assignment]  # where it is there, it is a module

MOST_BYTES = 2**26
"""Of a text: LaSOT's longest video has 0.5 MB of boxes, a report of a benchmark some 10 MB."""

# What file systems of networks say that do not lock folders.
_WITHOUT_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)

_LONGEST_NAME = 200
"""Bytes of a name to which suffixes are added; file systems take 255."""


def write_text(path: Path, text: str) -> None:
    """Writes `text` beside `path`, then renames: nobody ever sees half of it.

    Missing folders are made.

    Raises:
        InputError: if the place cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` as `write_text` writes text.

    Raises:
        InputError: if the place cannot be written.
    """
    with beside(path) as place:
        place.write_bytes(content)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to, which takes its name at the end.

    Where anything fails the place is gone and `path` is as it was. The place has this process's
    number: two runs in one folder never write into each other's.

    Raises:
        InputError: if the place cannot be written.
    """
    place = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield place
        place.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"{path}: cannot be written ({reason}); free space or name another place"
        ) from None
    finally:
        with suppress(OSError):
            place.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Holds a folder as only one process can; whatever ends the process lets go of it.

    Nothing is left behind: the lock is the system's, on the folder itself. On file systems that
    have no such locks, and on Windows, nobody is kept out.

    Args:
        folder: is made if it is missing.
        wait: until another process lets go; else the folder is refused.

    Raises:
        InputError: if another process holds the folder, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = os.open(folder, os.O_RDONLY) if fcntl else None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); name another") from None
    try:
        if place is not None:
            _lock(place, folder, wait)
        yield
    finally:
        if place is not None:
            os.close(place)


def _lock(place: int, folder: Path, wait: bool) -> None:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise InputError(
            f"{folder}: another run is writing there; wait for its end or name another folder"
        ) from None
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise


def is_file(path: Path) -> bool:
    """Whether there is a file; a name that no file can have names none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a name that no folder can have names none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """What is in a file of at most so many bytes.

    Raises:
        InputError: if there is no such file, it is something else (a folder, a pipe, a link in a
            circle), cannot be read, or is larger.
    """
    try:
        if not path.is_file():
            there = path.is_symlink() or path.exists()
            state = "not a file, or a link to none" if there else "no such file"
            raise InputError(f"{path}: {state}; unpack or write it anew")
        size = path.stat().st_size
        if size > most:
            raise InputError(f"{path}: {size} bytes; what it should be has at most {most}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text in a file, UTF-8 with or without a byte order mark.

    Raises:
        InputError: as `read_bytes`, and if it is no text.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; unpack or write it anew") from None


def read_json(path: Path, remedy: str, most: int = MOST_BYTES) -> Any:
    """What a JSON file describes.

    Args:
        remedy: the end of the message where it describes nothing.

    Raises:
        InputError: as `read_text`, and if it is not JSON, or lists in lists without end.
    """
    text = read_text(path, most)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({error}); {remedy}") from None


def is_plain_name(name: str) -> bool:
    """Whether a file called so lies in the folder where it is put."""
    return (
        name.isprintable()
        and name not in ("", ".", "..")
        and not set(name) & {"/", "\\"}
        and len(name.encode()) <= _LONGEST_NAME
    )
