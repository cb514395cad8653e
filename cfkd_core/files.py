"""Files that are written whole or not at all."""

from pathlib import Path

from cfkd_core.errors import InputError


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
    beside = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another") from None
