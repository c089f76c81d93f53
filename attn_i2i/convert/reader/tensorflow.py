"""TensorFlow 1 checkpoint bundles (an .index and its .data files) without TensorFlow.

The index is a sorted table in LevelDB's format. A footer points to a block of block positions. Every block holds
prefix-compressed keys. Each value is a protocol buffer that says in which data file a variable lies, and where.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from .crc32c import crc32c, unmasked
from .stream import View
from .tensor_index import ITEM_SIZES, DamagedError, Storage, TensorIndex, TensorRef, shown

TABLE_MAGIC = 0xDB4775248B80FB57  # the end of a LevelDB table, by its format
MAX_BLOCK = 64 * 2**20  # bytes of all blocks unpacked: a choice, a variable takes some 100
MAX_SHARDS = 100_000  # the file names have five digits
_FOOTER = 48  # bytes, by the format of LevelDB tables

# Numbers of tensorflow/core/framework/types.proto, as are the two constants below.
_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64", 9: "int64", 10: "bool",
    14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
_STRING = 7  # DT_STRING of tensorflow/core/framework/types.proto
_QUANTISED = (11, 12, 13, 15, 16)  # DT_QINT8 to DT_QUINT16 there


def read_bundle(view: View, index: Path) -> TensorIndex:
    """The tensors of the bundle with this .index; names keep their slashes. Raises DamagedError.

    Each data file must be there, and each variable must lie within its file. The index's checksums are verified here,
    the variables' when their bytes are read. Text variables are left out.
    """
    records = _records(view)
    shards, variables = _header(next(records, None)), dict(records)
    prefix = index.name.removesuffix(".index")
    files = [index.with_name(f"{prefix}.data-{shard:05d}-of-{shards:05d}") for shard in range(shards)]
    absent = [file.name for file in files if not file.is_file()]
    if absent:
        first = shown(absent[0])
        raise DamagedError(f"an index without {len(absent)} of its {shards} data files ({first}); put them beside it")
    sizes = [file.stat().st_size for file in files]
    tensors = TensorIndex(file_size=len(view) + sum(sizes), files=[str(index), *map(str, files)])
    for key, value in variables.items():
        name = key.decode("utf-8", "backslashreplace")
        entry = _Entry(value)
        if key.startswith(b"\0") or entry.partitioned:
            raise DamagedError(f"a variable saved in pieces ({shown(name)}); save it whole, without a partitioner")
        if entry.dtype != _STRING:
            tensors.add(name, entry.tensor(name, sizes))
    return tensors


class _Entry:
    """Where one variable lies: BundleEntryProto."""

    def __init__(self, value: bytes) -> None:
        self.dtype = self.shard = self.offset = self.size = 0
        self.shape: list[int] = []
        self.checksum: int | None = None
        self.partitioned = False
        for number, content in _fields(value):
            if number == 2 and isinstance(content, bytes):
                self.shape = [_dimension(part) for field, part in _fields(content) if field == 2]
            elif number == 6 and isinstance(content, bytes):
                self.checksum = unmasked(int.from_bytes(content, "little"))
            elif number == 7:
                self.partitioned = True
            elif isinstance(content, int):
                self._set(number, content)

    def _set(self, number: int, value: int) -> None:
        name = {1: "dtype", 3: "shard", 4: "offset", 5: "size"}.get(number)
        if name:
            setattr(self, name, value)

    def tensor(self, name: str, sizes: list[int]) -> TensorRef:
        if self.dtype in _QUANTISED:
            raise DamagedError(f"the quantised variable {shown(name)}; save it as floating-point numbers")
        if self.dtype not in _DTYPES:
            raise DamagedError(f"the variable {shown(name)} of the unknown type {self.dtype}")
        dtype, count = _DTYPES[self.dtype], 1
        for size in self.shape:
            count *= size
        if count * ITEM_SIZES[dtype] != self.size:
            raise DamagedError(f"the variable {shown(name)} of shape {shown(self.shape)} in {self.size} bytes")
        if self.shard >= len(sizes) or self.offset + self.size > sizes[self.shard]:
            raise DamagedError(f"the variable {shown(name)}, which reaches beyond its data file: that file is cut off")
        checksum = None if self.checksum is None else ("crc32c", self.checksum)
        return TensorRef(Storage(dtype, 1 + self.shard, self.offset, self.size, checksum), 0, self.shape)


def _header(record: tuple[bytes, bytes] | None) -> int:
    """The number of data files; raises DamagedError for what is no bundle's header."""
    if record is None or record[0] != b"":
        raise DamagedError("a table without a header, so no TensorFlow checkpoint")
    shards, big_endian = 1, 0
    for number, content in _fields(record[1]):
        if number == 1 and isinstance(content, bytes):
            raise DamagedError(
                "a TensorFlow checkpoint of the old single-file kind (V1); load it in TensorFlow and save it with "
                "tf.train.Saver(write_version=tf.train.SaverDef.V2)"
            )
        if number == 1 and isinstance(content, int):
            shards = content
        elif number == 2 and isinstance(content, int):
            big_endian = content
    if big_endian:
        raise DamagedError("numbers in big-endian byte order; save it on a little-endian machine")
    if not 1 <= shards <= MAX_SHARDS:
        raise DamagedError(f"an index that announces {shards} data files")
    return shards


def _records(view: View) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of the table, in order."""
    footer = view[-_FOOTER:]
    if len(footer) < _FOOTER or struct.unpack("<Q", footer[-8:])[0] != TABLE_MAGIC:
        raise DamagedError("no table: the index is cut off")
    _, place = _varint(footer, 0)
    _, place = _varint(footer, place)
    start, place = _varint(footer, place)
    size, _ = _varint(footer, place)
    expanded = 0
    previous = None
    for _, handle in _entries(_block(view, start, size)):
        start, place = _varint(handle, 0)
        size, _ = _varint(handle, place)
        block = _block(view, start, size)
        expanded += len(block)
        if expanded > MAX_BLOCK:
            raise DamagedError(f"an index that expands to more than {MAX_BLOCK} bytes")
        for key, value in _entries(block):
            if previous is not None and key <= previous:
                raise DamagedError("a table out of order: the index is damaged")
            yield key, value
            previous = key


def _block(view: View, start: int, size: int) -> bytes:
    """One block, its checksum verified, decompressed."""
    if start + size + 5 > len(view) or size > MAX_BLOCK:
        raise DamagedError("a block that reaches beyond the end: the index is damaged or cut off")
    data = bytes(view[start : start + size + 1])
    (stored,) = struct.unpack("<I", view[start + size + 1 : start + size + 5])
    if crc32c(data) != unmasked(stored):
        raise DamagedError("a block that fails its checksum: the index is damaged")
    if data[-1] > 1:
        raise DamagedError(f"a block compressed by the unknown method {data[-1]}")
    return snappy(data[:-1]) if data[-1] else data[:-1]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise DamagedError("a block too short to be one")
    end = len(block) - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    if end < 0:
        raise DamagedError("a block with more restart points than bytes")
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        added, place = _varint(block, place)
        length, place = _varint(block, place)
        if shared > len(key) or place + added + length > end:
            raise DamagedError("a block whose entries reach beyond it")
        key = key[:shared] + block[place : place + added]
        place += added + length
        yield key, block[place - length : place]


def snappy(data: bytes) -> bytes:
    """Undo Snappy's compression (raw format)."""
    size, place = _varint(data, 0)
    if size > MAX_BLOCK:
        raise DamagedError(f"a compressed block that expands to {size} bytes")
    out = bytearray()
    while place < len(data):
        tag, place = data[place], place + 1
        if tag & 3 == 0:
            extra = max(0, (tag >> 2) - 59)
            length = int.from_bytes(data[place : place + extra], "little") + 1 if extra else (tag >> 2) + 1
            place += extra
            out += data[place : place + length]
            place += length
        else:
            extra = (0, 1, 2, 4)[tag & 3]
            length = 4 + (tag >> 2 & 7) if extra == 1 else 1 + (tag >> 2)
            offset = int.from_bytes(data[place : place + extra], "little") | ((tag >> 5) << 8 if extra == 1 else 0)
            place += extra
            if not 0 < offset <= len(out):
                raise DamagedError("a compressed block that refers to bytes before its start")
            start = len(out) - offset
            pattern = bytes(out[start : start + length])
            out += (pattern * (length // offset + 1))[:length]
        if place > len(data) or len(out) > size:
            break
    if place != len(data) or len(out) != size:
        raise DamagedError("a compressed block of another size than it says")
    return bytes(out)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field of a protocol buffer."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        wire = tag & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield tag >> 3, value
            continue
        if wire not in (1, 2, 5):
            raise DamagedError("an entry of the index that makes no sense")
        length, place = _varint(data, place) if wire == 2 else ({1: 8, 5: 4}[wire], place)
        if place + length > len(data):
            raise DamagedError("an entry of the index that is cut off")
        yield tag >> 3, data[place : place + length]
        place += length


def _dimension(part: int | bytes) -> int:
    for number, content in _fields(part) if isinstance(part, bytes) else ():
        if number == 1 and isinstance(content, int):
            return content
    return 0


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(data):
            break
        byte, place = data[place], place + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise DamagedError("a number of the index that is cut off")
