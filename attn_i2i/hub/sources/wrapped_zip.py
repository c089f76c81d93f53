"""Zip archives beyond 4 GiB without zip64, as macOS writes them: each number is there modulo 2**32.

The central directory stands right before the archive's end, even if it states another place. Members follow each other.
So the true place of a member is the first place behind its predecessor that fits the stated number. Its packed size is
what lies between it and the next member. The unpacked size and CRC-32 are checked once all of it was read.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from .download import CHUNK
from .errors import FetchError

WRAP = 2**32
"""Where the numbers start again from zero; tests lower it, since no test should write 4 GiB."""
_END, _CENTRAL, _LOCAL = b"PK\5\6", b"PK\1\2", b"PK\3\4"
_STORED, _DEFLATED = 0, 8  # methods of compression, by the format of zip


@dataclass
class _ZipMember:
    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    encrypted: bool
    start: int = 0


class WrappedZip:
    """Names, sizes and bytes of such an archive. Raises FetchError where it contradicts itself."""

    exact = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        members, directory = _members(stream)
        self._members = {member.name: member for member in _placed(stream, members, directory)}

    def sizes(self) -> dict[str, int]:
        """Sizes as far as they can be told before reading: at least the stated ones, and more where more is packed."""
        return {name: _least(member) for name, member in self._members.items() if not name.endswith("/")}

    def chunks(self, name: str) -> Iterator[bytes]:
        """The member's bytes in order; its size and checksum are verified at the end."""
        member = self._members[name]
        if member.encrypted or member.method not in (_STORED, _DEFLATED):
            raise FetchError(f"{name} is packed in a way that is not read here (method {member.method})")
        size = crc = 0
        for chunk in self._unpacked(member):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
            yield chunk
        if size % WRAP != member.size or crc != member.crc:
            raise FetchError(f"{name} in the archive fails its checksum: the archive is damaged or cut off")

    def _unpacked(self, member: _ZipMember) -> Iterator[bytes]:
        self._stream.seek(member.start)
        left = member.packed
        engine = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
        while left > 0 and not (engine and engine.eof):
            data = self._stream.read(min(CHUNK, left))
            if not data:
                return
            left -= len(data)
            if engine is None:
                yield data
                continue
            while data:
                yield engine.decompress(data, CHUNK)
                data = engine.unconsumed_tail
        if engine is not None:
            yield engine.flush()


def is_wrapped(stream: IO[bytes]) -> bool:
    """Whether the numbers of a zip have started again from zero; the stream is at its start afterwards."""
    try:
        end, size, offset, _ = _end(stream)
        shift = end - size - offset
        if shift > 0 and shift % WRAP == 0:
            return True
        members, directory = _members(stream)
        placed = _placed(stream, members, directory) if shift == 0 else []
        return any(member.packed >= WRAP for member in placed)
    except FetchError:
        return False
    finally:
        stream.seek(0)


def _end(stream: IO[bytes]) -> tuple[int, int, int, int]:
    """Place of the end record; size and stated offset of the directory; number of members, modulo 65536."""
    length = stream.seek(0, os.SEEK_END)
    tail_start = max(0, length - 65_557)  # the record, and the longest comment behind it
    stream.seek(tail_start)
    tail = stream.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < 22:
        raise FetchError("the archive has no directory: it is cut off")
    count, size, offset = struct.unpack("<HII", tail[place + 10 : place + 20])
    return tail_start + place, size, offset, count


def _members(stream: IO[bytes]) -> tuple[list[_ZipMember], int]:
    """The directory's entries in its order, with the numbers as stated; and where the directory really begins."""
    end, size, _, _ = _end(stream)
    directory = end - size
    if directory < 0:
        raise FetchError("the archive's directory does not fit: it is damaged")
    stream.seek(directory)
    data = stream.read(size)
    members, place = [], 0
    while data[place : place + 4] == _CENTRAL and len(data) - place >= 46:
        flags, method = struct.unpack("<HH", data[place + 8 : place + 12])
        crc, packed, unpacked, name, extra, comment = struct.unpack("<IIIHHH", data[place + 16 : place + 34])
        (offset,) = struct.unpack("<I", data[place + 42 : place + 46])
        text = data[place + 46 : place + 46 + name].decode("utf-8" if flags & 0x800 else "cp437", "replace")
        members.append(_ZipMember(text, method, crc, packed, unpacked, offset, bool(flags & 1)))
        place += 46 + name + extra + comment
    if place != size:
        raise FetchError("the archive's directory is damaged")
    return members, directory


def _placed(stream: IO[bytes], members: list[_ZipMember], directory: int) -> list[_ZipMember]:
    """The same members with their true places and packed sizes."""
    offsets = []
    floor = 0
    for member in members:
        offset = floor + (member.offset - floor) % WRAP
        while offset < directory and not _is_local(stream, offset, member.name):
            offset += WRAP
        if offset >= directory:
            raise FetchError(f"the archive does not hold {member.name} where it should be: it is damaged")
        offsets.append(offset)
        floor = offset + 30
    for member, offset, after in zip(members, offsets, [*offsets[1:], directory], strict=True):
        stream.seek(offset + 26)
        name, extra = struct.unpack("<HH", stream.read(4))
        member.start = offset + 30 + name + extra
        room = after - member.start
        if member.packed > room:
            raise FetchError(f"{member.name} reaches beyond its place in the archive: it is damaged")
        member.packed += (room - member.packed) // WRAP * WRAP  # what is left over is a record of sizes behind it
    return members


def _is_local(stream: IO[bytes], offset: int, name: str) -> bool:
    stream.seek(offset)
    head = stream.read(30)
    if len(head) < 30 or head[:4] != _LOCAL:
        return False
    (length,) = struct.unpack("<H", head[26:28])
    raw = stream.read(length)
    return name in (raw.decode("utf-8", "replace"), raw.decode("cp437"))


def _least(member: _ZipMember) -> int:
    """The smallest size that fits the stated one and what is packed: deflate adds at most 5 bytes to 16 kB."""
    least = member.packed - member.packed // 1000 - 64 if member.method == _DEFLATED else member.packed
    return member.size if member.size >= least else member.size + -(-(least - member.size) // WRAP) * WRAP
