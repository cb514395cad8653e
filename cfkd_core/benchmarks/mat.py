"""MATLAB files of version 5, as OTB's toolkit leaves its results in them.

Other readers make room for whatever sizes a file claims, and go as deep into cells in cells as it
does: a few kilobytes can fill their memory or their stack. Here nothing is larger than the bytes
that are there, and nothing is deeper than results are.

Source: MAT-File Format, MathWorks 2019, chapter 1: elements of a type, a size and so many bytes,
padded to eight; an element of type 15 is another one, deflated.
"""

import math
import struct
import zlib

import numpy as np

from cfkd_core.errors import InputError

MOST_BYTES = 2**24
"""Unpacked, all variables together: OTB's longest video has 0.1 MB of boxes."""

DEEPEST = 8
"""Results are matrices in a struct in a cell."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)
_TYPES = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"},
    **{7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}
_FRACTIONS = (7, 9)
_TEXTS = {2: "latin-1", 16: "utf-8", 4: "utf-16", 17: "utf-16", 18: "utf-32"}

Elements = list[tuple[int, bytes]]


class Malformed(ValueError):
    """The file breaks the rules of its format, or the bounds set here."""


def read(content: bytes, place: str) -> dict[str, object]:
    """The variables in a file by name.

    Numbers are arrays of float64, texts strings, a cell is a list and a struct a dict (several are
    a list of dicts). What is of another kind, such as a function, is None.

    Args:
        place: names the file in errors.

    Raises:
        InputError: if it is not such a file, is damaged, swells or goes deeper than results do.
    """
    orders = {b"IM": "<", b"MI": ">"}
    order = orders.get(content[126:128])
    if order is None:
        raise InputError(f"{place}: not a result of OTB's toolkit, a MATLAB file of version 5")
    found, left = {}, MOST_BYTES
    try:
        for kind, element in _elements(content[_HEADER:], order):
            variables = [(kind, element)]
            if kind == _COMPRESSED:
                element = _inflated(element, left)
                left -= len(element)
                variables = _elements(element, order)
            for inner, matrix in variables:
                if inner == _MATRIX:
                    name, value = _matrix(matrix, order, DEEPEST)
                    found[name] = value
    except (Malformed, struct.error, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{place}: not a result of OTB's toolkit ({error})") from None
    return found


def _inflated(element: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    # no more than is left: a bound of 0 would be none
    unpacked = inflater.decompress(element, most + 1)
    if len(unpacked) > most:
        raise Malformed(f"it swells beyond {MOST_BYTES} bytes")
    return unpacked


def _elements(content: bytes, order: str) -> Elements:
    """Type and bytes of each element in a row."""
    found, start = [], 0
    while start + 8 <= len(content):
        kind, size = struct.unpack_from(order + "II", content, start)
        if kind >> 16:  # a small one keeps its size in the upper half, and its bytes beside it
            kind, size, begin, end = kind & 0xFFFF, kind >> 16, start + 4, start + 8
        else:
            begin = start + 8
            # deflated ones are not padded
            end = begin + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if begin + size > min(end, len(content)):
            raise Malformed(f"an element of {size} bytes where there are fewer")
        found.append((kind, content[begin : begin + size]))
        start = end
    return found


def _matrix(content: bytes, order: str, depth: int) -> tuple[str, object]:
    """Name and value of a matrix, which may hold others, `depth` deep."""
    if depth == 0:
        raise Malformed(f"it goes more than {DEEPEST} deep")
    parts = _elements(content, order)
    if len(parts) < 3:
        return "", None
    (flags,) = struct.unpack_from(order + "I", parts[0][1])
    kind = flags & 0xFF
    shape = _whole_numbers(*parts[1], order)
    name, rest = parts[2][1].decode("latin-1"), parts[3:]
    if kind == _CELL:
        return name, [_inside(part, order, depth) for part in rest]
    if kind == _STRUCT:
        return name, _struct(rest, shape, order, depth)
    if not rest or kind not in (_CHAR, *_NUMBERS):
        return name, None
    if kind == _CHAR:
        return name, _text(*rest[0], order)
    values = _numbers(*rest[0], order)
    if math.prod(shape) != len(values) or min(shape, default=0) < 0:
        raise Malformed(f"a matrix of {shape} with {len(values)} numbers")
    return name, values.reshape(shape, order="F")


def _inside(part: tuple[int, bytes], order: str, depth: int) -> object:
    kind, content = part
    if kind != _MATRIX:
        raise Malformed(f"an element of type {kind} in a cell or struct")
    return _matrix(content, order, depth - 1)[1]


def _struct(parts: Elements, shape: tuple[int, ...], order: str, depth: int) -> object:
    """A dict, or a list of them where there are several."""
    if len(parts) < 2:
        raise Malformed("a struct without the names of its fields")
    width, joined = sum(_whole_numbers(*parts[0], order)), parts[1][1]
    if width < 1:
        raise Malformed(f"names of fields with {width} letters")
    names = [
        joined[start : start + width].split(b"\0")[0].decode("latin-1")
        for start in range(0, len(joined), width)
    ]
    values = [_inside(part, order, depth) for part in parts[2:]]
    if len(values) != math.prod(shape) * len(names) or not names:
        raise Malformed(f"structs of {shape} and {len(names)} fields with {len(values)} values")
    found = [
        dict(zip(names, values[start : start + len(names)], strict=True))
        for start in range(0, len(values), len(names))
    ]
    return found[0] if len(found) == 1 else found


def _numbers(kind: int, content: bytes, order: str) -> np.ndarray:
    """An element's numbers, as float64."""
    if kind not in _TYPES:
        raise Malformed(f"numbers of type {kind}")
    dtype = np.dtype(order + _TYPES[kind])
    if len(content) % dtype.itemsize:
        raise Malformed(f"{len(content)} bytes of numbers that have {dtype.itemsize} each")
    with np.errstate(invalid="ignore"):  # a NaN that signals is one all the same
        return np.frombuffer(content, dtype).astype(float)


def _whole_numbers(kind: int, content: bytes, order: str) -> tuple[int, ...]:
    if kind in _FRACTIONS:
        raise Malformed(f"sizes of type {kind}, which are no whole numbers")
    return tuple(_numbers(kind, content, order).astype(int).tolist())


def _text(kind: int, content: bytes, order: str) -> str:
    if kind not in _TEXTS:
        raise Malformed(f"text of type {kind}")
    encoding = _TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    return content.decode(encoding)
