"""Runs a pickle on a machine of its own, where nothing that the file names is ever looked up.

A pickle is a program: it may name any function of any module and have it called. Here a name is a
pair of strings and a call gives a `Placeholder`; only OrderedDict and the ways to build a tensor
mean anything, and a tensor stays a note of where its numbers lie until somebody reads it.
"""

import math
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cfkd_core.errors import InputError

MAX_BYTES = 2 * 10**9
"""More than any file or storage needs: the largest published network (DRNet) has 145 MB."""

MAX_PICKLE_BYTES = 4 * 2**20
"""More than any pickle needs: without the numbers, DRNet's has about 100 kB."""

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Malformed(Exception):
    """The file breaks the rules of its own format; becomes an `InputError` with the path."""


class _Name(NamedTuple):
    """A class or function that the file names; never looked up."""

    module: str
    name: str


class Placeholder:
    """Stands for an object that the file asks for and does not get. Knows and does nothing."""

    __slots__ = ()


@dataclass(frozen=True)
class Storage:
    """A run of numbers somewhere in the file."""

    key: str
    dtype: torch.dtype
    length: int
    read_bytes: Callable[[str, int], bytes]


@dataclass(frozen=True)
class StoredTensor:
    """Where the numbers of a tensor lie in a checkpoint."""

    shape: tuple[int, ...]
    _stride: tuple[int, ...]
    _offset: int
    _storage: Storage

    def read(self) -> Tensor:
        """The tensor itself, contiguous, on the CPU.

        Raises:
            InputError: if its numbers are missing, or lie outside their storage.
        """
        storage = self._storage
        last = self._offset + sum(
            (size - 1) * step for size, step in zip(self.shape, self._stride, strict=True)
        )
        if 0 not in self.shape and last >= storage.length:
            raise InputError(
                f"storage {storage.key}: holds {storage.length} numbers, "
                f"a tensor of shape {self.shape} asks for number {last}"
            )
        size = storage.length * storage.dtype.itemsize
        numbers = bytearray(storage.read_bytes(storage.key, size))
        if not numbers or 0 in self.shape:
            return torch.empty(self.shape, dtype=storage.dtype)
        flat = torch.frombuffer(numbers, dtype=storage.dtype)
        return flat.as_strided(self.shape, self._stride, self._offset).clone()


def run(
    file: BytesIO,
    read_bytes: Callable[[str, int], bytes],
    storages: dict[str, Storage] | None = None,
) -> Any:
    """What one pickle, from the present position of `file`, describes."""
    machine = _Machine(read_bytes, {} if storages is None else storages)
    start = file.tell()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python only warns of an escape that there is not
            for opcode, argument, position in pickletools.genops(file):
                if position is not None and position - start > MAX_PICKLE_BYTES:
                    raise Malformed("its pickle is larger than 4 MiB")
                if opcode.name == "STOP":
                    return machine.pop()
                machine.step(opcode.name, argument)
    except Malformed:
        raise
    except _BROKEN as error:
        raise Malformed(f"its pickle is broken: {error}") from None
    raise Malformed("its pickle does not end")


_BROKEN = (
    *(ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError),
    *(DeprecationWarning, SyntaxWarning),
)

_MARK = object()

# Opcodes that push their own argument, and those that push a constant or a new container.
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": Placeholder,
    "MARK": lambda: _MARK,
}
_NOTHING = {"PROTO", "FRAME"}


class _Machine:
    """The stack machine of the pickle format, with calls that call nothing."""

    def __init__(
        self, read_bytes: Callable[[str, int], bytes], storages: dict[str, Storage]
    ) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.read_bytes = read_bytes
        self.storages = storages

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise Malformed("a value is missing on its stack")
        return value

    def pop_to_mark(self) -> list[Any]:
        """The values above the last mark, which goes too."""
        values = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def top(self) -> Any:
        if self.stack[-1] is _MARK:
            raise Malformed("a value is missing on its stack")
        return self.stack[-1]

    def step(self, name: str, argument: Any) -> None:
        """Runs one opcode."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name not in _NOTHING:
            operation = getattr(self, f"_{name.lower()}", None)
            if operation is None:
                raise Malformed(f"its pickle uses {name}, which no checkpoint needs")
            operation(argument)

    # One method an opcode, named after it; those not here are refused.

    def _pop(self, _: None) -> None:
        self.stack.pop()

    def _pop_mark(self, _: None) -> None:
        self.pop_to_mark()

    def _dup(self, _: None) -> None:
        self.stack.append(self.top())

    def _put(self, index: int) -> None:
        if index >= 2**32:
            raise Malformed("it counts its objects beyond 2^32")
        self.memo[index] = self.top()

    _binput = _long_binput = _put

    def _memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.top()

    def _get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _binget = _long_binget = _get

    def _tuple1(self, _: None) -> None:
        self.stack.append((self.pop(),))

    def _tuple2(self, _: None) -> None:
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def _tuple3(self, _: None) -> None:
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def _tuple(self, _: None) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def _list(self, _: None) -> None:
        self.stack.append(self.pop_to_mark())

    def _dict(self, _: None) -> None:
        pairs = self.pop_to_mark()
        self.stack.append({})
        _set_items(self.stack[-1], pairs)

    def _frozenset(self, _: None) -> None:
        self.pop_to_mark()
        self.stack.append(Placeholder())

    def _append(self, _: None) -> None:
        value = self.pop()
        if isinstance(self.top(), list):
            self.top().append(value)

    def _appends(self, _: None) -> None:
        values = self.pop_to_mark()
        if isinstance(self.top(), list):
            self.top().extend(values)

    def _additems(self, _: None) -> None:
        self.pop_to_mark()
        self.top()

    def _setitem(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        _set_items(self.top(), [key, value])

    def _setitems(self, _: None) -> None:
        pairs = self.pop_to_mark()
        _set_items(self.top(), pairs)

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(_Name(module, name))

    def _stack_global(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise Malformed("it names something that is not a name")
        self.stack.append(_Name(module, name))

    def _reduce(self, _: None) -> None:
        arguments, function = self.pop(), self.pop()
        self.stack.append(_call(function, arguments))

    _newobj = _reduce

    def _newobj_ex(self, _: None) -> None:
        self.pop()
        self._reduce(None)

    def _obj(self, _: None) -> None:
        self.pop_to_mark()
        self.stack.append(Placeholder())

    def _inst(self, _: str) -> None:
        self.pop_to_mark()
        self.stack.append(Placeholder())

    def _build(self, _: None) -> None:
        self.pop()
        self.top()

    def _binpersid(self, _: None) -> None:
        storage = _storage(self.pop(), self.read_bytes)
        self.storages[storage.key] = storage
        self.stack.append(storage)


def _set_items(target: Any, pairs: list[Any]) -> None:
    """Fills a dict with the entries whose key is a string; a network needs no others.

    A tuple of tuples, each twice the one before, or numbers chosen to collide, would take for ever
    to hash; Python salts the hash of strings.
    """
    if len(pairs) % 2:
        raise Malformed("a key without a value")
    if isinstance(target, dict):
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(key, str):
                target[key] = value


def _call(function: Any, arguments: Any) -> Any:
    """What the file's call stands for: an ordered dict, a tensor, or nothing."""
    if not isinstance(function, _Name) or not isinstance(arguments, tuple):
        return Placeholder()
    if function == ("collections", "OrderedDict"):
        return _ordered_dict(*arguments)
    if function in (
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_tensor_v2"),
    ):
        return _tensor(*arguments[:4])
    if function == ("torch._utils", "_rebuild_parameter"):
        return arguments[0] if isinstance(arguments[0], StoredTensor) else Placeholder()
    return Placeholder()


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
    """OrderedDict of nothing, or of a list of pairs."""
    result: dict[Any, Any] = {}
    for pair in pairs if isinstance(pairs, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            _set_items(result, list(pair))
    return result


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any) -> StoredTensor:
    """A tensor whose sizes are what sizes can be; whether they fit the storage, `read` checks."""
    if not isinstance(storage, Storage):
        raise Malformed("a tensor without a storage")
    if not isinstance(shape, tuple) or not isinstance(stride, tuple) or len(shape) != len(stride):
        raise Malformed("a tensor whose shape and stride do not match")
    if not all(type(number) is int and number >= 0 for number in (offset, *shape, *stride)):
        raise Malformed("a tensor whose sizes are not natural numbers")
    if math.prod(max(side, 1) for side in shape) > MAX_BYTES or max(offset, *stride, 0) > MAX_BYTES:
        raise Malformed("a tensor whose sizes are beyond 2 GB")
    if math.prod(shape) > storage.length:
        raise Malformed(f"a tensor of shape {shape} in a storage of {storage.length} numbers")
    return StoredTensor(shape, stride, offset, storage)


def _storage(persistent_id: Any, read_bytes: Callable[[str, int], bytes]) -> Storage:
    """What a persistent id describes: ("storage", type, key, device, length, and maybe a view)."""
    match persistent_id:
        case ("storage", _Name("torch", kind), str(key), _, int(length), *view) if (
            kind in _DTYPES and length >= 0 and view in ([], [None])
        ):
            if length * _DTYPES[kind].itemsize > MAX_BYTES:
                raise Malformed(f"storage {key} declares {length} numbers, more than 2 GB")
            return Storage(key, _DTYPES[kind], length, read_bytes)
    raise Malformed("a storage of a kind that no checkpoint needs")
