"""Files that are written whole or not at all, and read only if they can be what they claim."""

import errno
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from cfkd_core.errors import InputError

MOST_BYTES = 2**26
"""Of a text: LaSOT's longest video has 0.5 MB of boxes, a report of a benchmark some 10 MB."""

LOCK = ".lock"
"""Name of the lock file in a folder that one process holds at a time."""

PATIENCE = 60
"""Seconds to wait for a lock that is only held while a card is written."""

# Errors of network file systems without locks.
_WITHOUT_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)

_LONGEST_NAME = 200
"""Bytes of a name to which suffixes are added; file systems take 255."""


def write_text(path: Path, text: str) -> None:
    """Write `text` beside `path`, then rename, so that nobody ever reads half of it.

    Missing folders are made.

    Raises:
        InputError: if the place cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` as `write_text` writes text.

    Raises:
        InputError: if the place cannot be written.
    """
    with beside(path) as place:
        place.write_bytes(content)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary file whose content arrives at `path` at the end; see `deliver`.

    Where anything fails the file is gone and `path` is as it was.

    Raises:
        InputError: if the place cannot be written.
    """
    place = partial(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place
        deliver(place, path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"{path}: cannot be written ({reason}); free space or name another place"
        ) from None
    finally:
        with suppress(OSError):
            place.unlink(missing_ok=True)


def partial(path: Path, ending: str = ".partial") -> Path:
    """The hidden temporary file for what shall become `path`, on the same file system.

    It has this process's number: two runs in one folder never write into each other's.
    """
    name = f".{path.name}.{os.getpid()}{ending}"
    if _is_stream(path):
        return Path(tempfile.gettempdir()) / name
    return Path(os.path.realpath(path)).with_name(name)


def deliver(place: Path, path: Path) -> None:
    """Move a complete temporary file to its name.

    A symbolic link is followed. Where `path` is no regular file (a device, a pipe, standard
    output) the content is written through it. The mode is that of the file that is replaced, or
    what the umask gives to a new one: libraries make theirs private.

    Raises:
        OSError: if the place cannot be written.
    """
    if _is_stream(path):
        with place.open("rb") as source, _open_stream(path) as sink:
            shutil.copyfileobj(source, sink)
        place.unlink()
        return
    target = Path(os.path.realpath(path))
    place.chmod(_mode(target))
    place.replace(target)


def _mode(target: Path) -> int:
    with suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _is_stream(path: Path) -> bool:
    """Whether `path` is a device or a pipe, or what this process prints to."""
    try:
        there = path.stat()
    except OSError:
        return False
    if stat.S_ISREG(there.st_mode):
        return _standard_stream(there) is not None
    return not stat.S_ISDIR(there.st_mode)


def _standard_stream(there: os.stat_result) -> int | None:
    """The descriptor of standard output or standard error, if it is the file of this status."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(there, os.fstat(descriptor)):
                return descriptor
    return None


def _open_stream(path: Path) -> BinaryIO:
    descriptor = _standard_stream(path.stat())
    if descriptor is None:
        return path.open("wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(descriptor), "wb")


def refuse_overwriting(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Refuse an output that is an input of the same command, or another output of it.

    Args:
        outputs: files or folders to be written; None is passed over.
        inputs: files or folders that are read. What already lies in a folder is an input, too.

    Raises:
        InputError: naming the output.
    """
    sources = [Path(os.path.realpath(each)) for each in inputs if each is not None]
    seen: set[Path] = set()
    for output in outputs:
        if output is None or _is_stream(output):
            continue
        target = Path(os.path.realpath(output))
        if target in sources or (is_file(target) and set(target.parents) & set(sources)):
            raise InputError(f"{output}: is an input of this command; name another output")
        if target in seen:
            raise InputError(f"{output}: is named for two outputs; give each its own")
        seen.add(target)


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold a folder as only one process can; whatever ends the process lets go of it.

    On file systems without locks nobody is kept out.

    Args:
        folder: is made if it is missing.
        wait: up to `PATIENCE` seconds until another process lets go; else refuse at once.

    Raises:
        InputError: if another process holds the folder, or it cannot be made.
    """
    lock = filelock.FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE if wait else 0)
    except filelock.Timeout:
        raise InputError(
            f"{folder}: another run is writing there; wait for its end or name another folder"
        ) from None
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise InputError(
                f"{folder}: cannot be written ({error.strerror}); name another"
            ) from None
    try:
        yield
    finally:
        lock.release()


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
