"""Watches what a parser does to the world: it may read, and write into one folder, nothing else."""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 5
"""Of the processor's time, for one input."""

# Events of Python's audit hooks that no parser has any business with.
FORBIDDEN = (
    *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill"),
    *("subprocess.Popen", "pty.spawn", "socket.", "urllib.Request", "http.client", "ftplib."),
    *("pickle.find_class", "ctypes.dlopen", "webbrowser.open", "os.putenv", "os.unsetenv"),
)

# Those that change a file, with the places of its paths among the arguments.
CHANGES = {
    **dict.fromkeys(("os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate"), (0,)),
    **dict.fromkeys(("os.rename", "os.link", "os.symlink", "shutil.copyfile"), (0, 1)),
    **dict.fromkeys(("shutil.rmtree", "shutil.unpack_archive", "os.chown", "os.utime"), (0,)),
}

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Finding(BaseException):
    """Something that must not happen; no `except Exception` may swallow it."""


class _Watch:
    """The one hook of this process: hooks stay for ever, so it is told where to look."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if self.folder is None:
            return
        if event.startswith(FORBIDDEN) or self._touches(event, arguments):
            self.seen.append(f"{event} {str(arguments)[:200]}")
            raise Finding(self.seen[-1])

    def _touches(self, event: str, arguments: tuple) -> bool:
        """Whether a file outside the folder is changed."""
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITES) if mode is None else bool(set(mode) & set("wax+"))
            return writes and not isinstance(path, int) and not self._inside(path)
        places = CHANGES.get(event, ())
        return any(not self._inside(arguments[place]) for place in places)

    def _inside(self, path: object) -> bool:
        place = os.path.realpath(os.fsdecode(path))
        return place == self.folder or place.startswith(f"{self.folder}{os.sep}")


_watch: list[_Watch] = []


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Raises `Finding` where what is done inside leaves `folder`, or takes too long."""
    if not _watch:
        _watch.append(_Watch())
    watch = _watch[0]
    before, bytecode = signal.signal(signal.SIGVTALRM, _too_slow), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a module that is imported late would be written down
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    watch.folder, watch.seen = os.path.realpath(folder), []
    try:
        yield
    finally:
        watch.folder, sys.dont_write_bytecode = None, bytecode
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if watch.seen:  # whatever became of the exception
            raise Finding(watch.seen[0])


def _too_slow(*_: object) -> None:
    raise Finding(f"more than {SECONDS} s of the processor's time")


def limit_memory(size: int) -> None:
    """Lets this process ask for so many bytes more than it has; beyond that is a `MemoryError`."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + size
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
