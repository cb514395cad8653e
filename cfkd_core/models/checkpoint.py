"""Reads the tensors of a torch checkpoint without running what it asks for."""

import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from cfkd_core.errors import InputError
from cfkd_core.files import is_file
from cfkd_core.models.pickle_machine import (
    MAX_BYTES,
    MAX_PICKLE_BYTES,
    Malformed,
    Storage,
    run,
)

# The first pickle of a file from `torch.save(..., _use_new_zipfile_serialization=False)`.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

# What zipfile raises for one damaged byte or another.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    OverflowError,
    struct.error,
)


def read(path: Path) -> dict[str, Any]:
    """The dict that a checkpoint holds; its tensors are `StoredTensor`.

    Both formats of `torch.save` are read. Objects other than numbers, strings, lists, tuples and
    dicts are a `Placeholder`; dict entries whose key is no string are left out.

    Raises:
        InputError: if the file is missing, too large, damaged, or holds anything but a dict.
    """
    if not is_file(path):
        raise InputError(f"{path}: no such checkpoint")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; a checkpoint has at most 2 GB")
    try:
        content = _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
    except (Malformed, *_ZIP_ERRORS) as error:
        raise InputError(f"{path}: not a torch checkpoint, or damaged ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a checkpoint; expected a dict, found something else")
    return content


def _read_zip(path: Path) -> Any:
    """torch's format since 1.6: an uncompressed zip of `data.pkl` and one entry a storage."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise Malformed("its entries are compressed, torch never does that")
        if sum(entry.file_size for entry in entries.values()) > MAX_BYTES:
            raise Malformed("its entries declare more than 2 GB")
        pickles = [name for name in entries if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Malformed(f"a zip with {len(pickles)} data.pkl instead of one")
        folder = pickles[0].removesuffix("data.pkl")
        order = entries.get(folder + "byteorder")
        if order is not None and archive.read(order) != b"little":
            raise Malformed("its numbers are big-endian")
        if entries[pickles[0]].file_size > MAX_PICKLE_BYTES:
            raise Malformed("its pickle is larger than 4 MiB")
        program = archive.read(pickles[0])

    def read_bytes(key: str, size: int) -> bytes:
        entry = entries.get(f"{folder}data/{key}")
        if entry is None or entry.file_size != size:
            found = "missing" if entry is None else f"{entry.file_size} bytes"
            raise InputError(f"{path}: storage {key} should have {size} bytes, is {found}")
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.read(entry)
        except _ZIP_ERRORS as error:
            raise InputError(f"{path}: storage {key} is damaged ({error})") from None

    return run(BytesIO(program), read_bytes)


def _read_legacy(path: Path) -> Any:
    """torch's format before 1.6: five pickles, then each storage with its length before it."""
    file = BytesIO(path.read_bytes())

    def no_storage(key: str, size: int) -> bytes:
        raise InputError(f"{path}: storage {key} stands before the pickle that names it")

    places: dict[str, tuple[int, int]] = {}

    def read_bytes(key: str, size: int) -> bytes:
        start, found = places.get(key, (0, -1))
        if found != size:
            raise InputError(f"{path}: storage {key} should have {size} bytes, is {found}")
        return file.getbuffer()[start : start + size].tobytes()

    if run(file, no_storage) != _LEGACY_MAGIC:
        raise Malformed("it begins neither as a zip nor with torch's magic number")
    _protocol, _system = run(file, no_storage), run(file, no_storage)
    storages: dict[str, Storage] = {}
    content = run(file, read_bytes, storages)
    keys = run(file, no_storage)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Malformed("its list of storages is no list of names")
    end = file.getbuffer().nbytes
    for key in keys:
        if key not in storages:
            raise Malformed(f"storage {key} is listed but never used")
        length = int.from_bytes(file.read(8), "little", signed=True)
        size = length * storages[key].dtype.itemsize
        if length < 0 or file.tell() + size > end:
            raise Malformed(f"storage {key} declares {length} numbers, the file ends before")
        places[key] = (file.tell(), size)
        file.seek(size, 1)
    return content
