"""What the reading process tells its parent: which bytes of which file make up each tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_TENSORS = 20_000
"""Training states of the largest published models hold some 3,000 tensors."""
MAX_NAME = 1024  # characters; hostile files have names of megabytes
MAX_NAMES = 2**22
"""Characters of all names together: 200 for each of the most tensors, ten times what names take."""
TOO_MANY = (
    f"more than {MAX_TENSORS} tensors, or names of more than {MAX_NAMES} characters in all; give a file that holds the"
    " weights of one model alone"
)
MAX_ELEMENTS = 2**62
"""Beyond it a product of sizes leaves the 64 bits that strides are held in."""
GROWTH = 8
"""All tensors together may be this many times as large as the files they come from."""

# Bytes of one number, by torch's names of types.
ITEM_SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex64": 8, "complex128": 16,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
}  # fmt: skip


class DamagedError(Exception):
    """A file that contradicts itself; the message says where, its reader adds the file's name.

    What to do about it may follow behind a semicolon.
    """


def shown(value: object) -> str:
    """Text out of a file, safe to print: quoted, one line, at most 80 characters.

    Values that hold others are shown two levels deep: lists that share lists would be exponentially long.
    """
    text = _text(value, levels=2)
    return text if len(text) <= 80 else text[:77] + "..."


def _text(value: object, levels: int) -> str:
    if isinstance(value, list | tuple) and levels:
        parts = [_text(item, levels - 1) for item in value[:8]] + ["..."] * (len(value) > 8)
        return f"({', '.join(parts)})"
    if isinstance(value, str | bytes):
        return ascii(value[:80])
    if value is None or isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 256):
        return ascii(value)
    return f"a {type(value).__name__}"


@dataclass(eq=False)
class Storage:
    """A run of bytes: ``size`` of them at ``start`` of file number ``file``, or bytes already in memory."""

    dtype: str
    file: int = 0
    start: int = 0
    size: int = 0
    checksum: tuple[str, int] | None = None
    data: bytes | None = None

    def part(self, start: int, size: int, dtype: str) -> Storage:
        """A view of some of the bytes; it loses the checksum, which belongs to the whole."""
        if start < 0 or size < 0 or start + size > self.size:
            raise DamagedError(f"a view of bytes {start} to {start + size} of a storage with {self.size}")
        data = None if self.data is None else self.data[start : start + size]
        return Storage(dtype, self.file, self.start + start, size, data=data)


@dataclass(eq=False)
class TensorRef:
    """A tensor to be: ``shape`` and ``strides`` count elements of ``dtype``, from element ``offset`` of its storage."""

    storage: Storage
    offset: int
    shape: Sequence[int]
    strides: Sequence[int] | None = None
    dtype: str | None = None


@dataclass
class TensorIndex:
    """The tensors of one checkpoint by name, each checked to lie within its storage.

    ``file_size`` is the size of all source files together in bytes. File 0 of ``files`` is the checkpoint itself; bytes
    that stand in no source file as they are go to ``spill``.
    """

    file_size: int
    files: list[str] = field(default_factory=list)
    tensors: dict[str, list[object]] = field(default_factory=dict)
    storages: list[list[object]] = field(default_factory=list)
    spill: list[bytes] = field(default_factory=list)
    _numbers: dict[int, tuple[int, Storage]] = field(default_factory=dict)
    _total: int = 0
    _named: int = 0
    _spilled: int = 0
    _read: int = 0

    def add(self, name: str, tensor: TensorRef) -> None:
        """Check one tensor and note it under ``name``."""
        if len(name) > MAX_NAME:
            raise DamagedError(f"a tensor name of {len(name)} characters ({shown(name)}); at most {MAX_NAME} are read")
        if name in self.tensors:
            raise DamagedError(f"two tensors named {shown(name)}")
        self._named += len(name)
        if len(self.tensors) >= MAX_TENSORS or self._named > MAX_NAMES:
            raise DamagedError(TOO_MANY)
        dtype = tensor.dtype or tensor.storage.dtype
        try:
            strides = _checked(tensor, ITEM_SIZES[dtype])
        except DamagedError as error:
            raise DamagedError(f"tensor {shown(name)} is impossible: {error}") from None
        self._total += math.prod(tensor.shape) * ITEM_SIZES[dtype]
        if self._total > GROWTH * self.file_size + 2**16:
            raise DamagedError(f"tensors of more than {GROWTH} times the size of the file")
        number = self._number(tensor.storage)
        self.tensors[name] = [number, dtype, tensor.offset, list(tensor.shape), strides]

    def reply(self) -> dict[str, object]:
        """The index as JSON values."""
        return {"files": self.files, "storages": self.storages, "tensors": self.tensors}

    def _number(self, storage: Storage) -> int:
        """The storage's place in the list; the object is kept so that its id stays its own."""
        if id(storage) not in self._numbers:
            self._numbers[id(storage)] = (len(self.storages), storage)
            self._read += storage.size
            if self._read > GROWTH * self.file_size + 2**16:
                raise DamagedError(f"storages of more than {GROWTH} times the size of the file")
            file, start = storage.file, storage.start
            if storage.data is not None:
                file, start = -1, self._spilled
                self.spill.append(storage.data)
                self._spilled += len(storage.data)
            self.storages.append([file, start, storage.size, storage.checksum])
        return self._numbers[id(storage)][0]


def _checked(tensor: TensorRef, item_size: int) -> list[int]:
    """The strides, once every element is known to lie inside the storage; those that no element needs are set anew."""
    shape = tensor.shape
    strides = contiguous(shape) if tensor.strides is None else tensor.strides
    numbers = [tensor.offset, *shape, *strides]
    if len(shape) != len(strides) or len(shape) > 64:
        raise DamagedError(f"{len(shape)} dimensions and {len(strides)} strides")
    if any(type(number) is not int or not 0 <= number < 2**62 for number in numbers):
        raise DamagedError(f"shape {shown(shape)}, strides {shown(strides)}, offset {shown(tensor.offset)}")
    whole = contiguous(shape)
    if math.prod(max(size, 1) for size in shape) * item_size > MAX_ELEMENTS:
        raise DamagedError(f"the shape {shown(shape)}, too large for any machine")
    held = tensor.storage.size // item_size
    last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if 0 not in shape and tensor.offset + last >= held:
        raise DamagedError(f"it reaches element {tensor.offset + last} of a storage with {held}")
    if 0 in shape:
        return whole
    return [own if size > 1 else usual for size, own, usual in zip(shape, strides, whole, strict=True)]


def contiguous(shape: Sequence[int]) -> list[int]:
    """Row-major strides, in elements."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1) if type(size) is int else 1
    return strides[::-1]
