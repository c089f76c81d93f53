"""Files that were cut short, told from the sizes that they state: decoders take many of them for shorter clips."""

from __future__ import annotations

import os
from typing import IO

from ..types import UnreadableFileError
from .formats import EBML, RIFF

SEGMENT = b"\x18S\x80g"  # the element of Matroska that holds everything behind the header
WIDE = 1  # the size of an MP4 box that states it in 64 bits behind its name


def check_whole(file: IO[bytes], label: str) -> None:
    """Raise UnreadableFileError where a file ends before it says it does; the stream stands at its start then."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    if head.startswith(EBML):
        end = _end_of_matroska(file)
    elif head.startswith(RIFF):
        end = int.from_bytes(head[4:8], "little") + 8
    elif head[4:8].isalnum():
        end = _end_of_boxes(file, size)
    else:
        end = 0
    file.seek(0)
    if end > size:
        raise UnreadableFileError(f"{label} is cut short: {end - size} of {end} bytes are missing, so copy it again.")


def _end_of_boxes(file: IO[bytes], size: int) -> int:
    """Where the last box of an MP4 or QuickTime file ends."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == WIDE:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0 is "to the end of the file"
            return size
        place += length
    return place


def _end_of_matroska(file: IO[bytes]) -> int:
    """Where the segment ends; 0 where the file does not say, as one written while it is sent does."""
    file.seek(4)
    header = _number(file)
    if header is None:
        return 0
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != SEGMENT:
        return 0
    length = _number(file)
    return 0 if length is None else file.tell() + length


def _number(file: IO[bytes]) -> int | None:
    """A size of Matroska: leading zero bits tell how many bytes it has; None where all bits are 1, for unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(count), "big") & ((1 << (7 * (count + 1))) - 1)
    return None if value == (1 << (7 * (count + 1))) - 1 else value
