"""Writes TensorFlow 1 checkpoint bundles, for tests: the format as TensorFlow's own writer lays it out."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from attn_i2i.convert.reader.crc32c import crc32c
from attn_i2i.convert.reader.tensorflow import TABLE_MAGIC

DTYPES = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "complex64": 8, "int64": 9, "bool": 10,
    "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23,
}  # fmt: skip


def write_bundle(
    prefix: Path,
    tensors: Mapping[str, np.ndarray],
    *,
    shards: int = 1,
    compress: bool = False,
    big_endian: bool = False,
    partitioned: Sequence[str] = (),
) -> Path:
    """Write ``prefix``.index and its data files, variables dealt out in turn; returns the index."""
    files = [bytearray() for _ in range(shards)]
    records = [(b"", header(shards, big_endian))]
    for count, (name, array) in enumerate(sorted(tensors.items())):
        shard = count % shards
        data = np.ascontiguousarray(array).tobytes()
        place = (len(files[shard]), len(data), masked(crc32c(data)))
        value = entry(array.shape, *place, DTYPES[array.dtype.name], shard) + (
            _bytes(7, b"") if name in partitioned else b""
        )
        records.append((name.encode(), value))
        files[shard] += data
    for shard, content in enumerate(files):
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)
    index = prefix.with_name(prefix.name + ".index")
    index.write_bytes(write_table(records, compress=compress))
    return index


def header(shards: int = 1, big_endian: bool = False) -> bytes:
    """The record under the empty name."""
    return _number(1, shards) + (_number(2, 1) if big_endian else b"") + _bytes(3, _number(1, 1))


def entry(shape: Sequence[int], start: int, size: int, checksum: int, dtype: int = 1, shard: int = 0) -> bytes:
    """The record of one variable; float32 unless said."""
    sizes = b"".join(_bytes(2, _number(1, length)) for length in shape)
    where = _number(4, start) + _number(5, size) + b"\x35" + struct.pack("<I", checksum)
    return _number(1, dtype) + _bytes(2, sizes) + _number(3, shard) + where


def write_table(records: Sequence[tuple[bytes, bytes]], *, compress: bool = False) -> bytes:
    """A LevelDB table of sorted records, sixteen to a block."""
    out = bytearray()
    handles = []
    for start in range(0, len(records), 16):
        part = records[start : start + 16]
        handles.append((part[-1][0], _append_block(out, part, compress)))
    meta = _append_block(out, [], compress)
    top = _append_block(out, handles, compress)
    footer = (meta + top).ljust(40, b"\0") + struct.pack("<Q", TABLE_MAGIC)
    return bytes(out + footer)


def _append_block(out: bytearray, records: Sequence[tuple[bytes, bytes]], compress: bool) -> bytes:
    """Append one block with its trailer; returns its handle (start and size)."""
    block, previous = bytearray(), b""
    for key, value in records:
        shared = next((i for i, (a, b) in enumerate(zip(key, previous, strict=False)) if a != b), None)
        shared = min(len(key), len(previous)) if shared is None else shared
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    block += struct.pack("<II", 0, 1)
    data = snappy_compressed(bytes(block)) if compress else bytes(block)
    kind = b"\1" if compress else b"\0"
    handle = varint(len(out)) + varint(len(data))
    out += data + kind + struct.pack("<I", masked(crc32c(data + kind)))
    return handle


def snappy_compressed(data: bytes) -> bytes:
    """Snappy's raw format, with copies wherever four bytes came before (overlapping ones included)."""
    out, seen, place, pending = bytearray(varint(len(data))), {}, 0, 0
    while place < len(data):
        before = seen.get(data[place : place + 4])
        seen[data[place : place + 4]] = place
        if before is None or len(data) - place < 4:
            place += 1
            continue
        out += _literal(data[pending:place])
        length = 4
        while length < 64 and place + length < len(data) and data[before + length] == data[place + length]:
            length += 1
        offset = place - before
        if length < 12 and offset < 2048:
            out += bytes([1 | (length - 4) << 2 | offset >> 8 << 5, offset & 255])
        else:
            out += bytes([2 | (length - 1) << 2]) + struct.pack("<H", offset)
        place += length
        pending = place
    return bytes(out + _literal(data[pending:]))


def _literal(data: bytes) -> bytes:
    out = b""
    for start in range(0, len(data), 256):
        part = data[start : start + 256]
        out += (bytes([60 << 2, len(part) - 1]) if len(part) > 60 else bytes([len(part) - 1 << 2])) + part
    return out


def varint(value: int) -> bytes:
    """A number in seven-bit groups, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def masked(value: int) -> int:
    """A CRC-32C as tables store it."""
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
