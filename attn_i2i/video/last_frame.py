"""How long the last frame of an animation is shown, set right in a file that has been written."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

PNG_HEAD, RIFF_HEAD = 8, 12  # bytes before the first chunk
DELAY = 20  # where a frame's fraction of a second stands in its control chunk
WEBP_DURATION = 12  # where a frame's milliseconds stand, three bytes
LARGEST = 65535  # of either part of that fraction


def end_apng(path: Path, seconds: Fraction) -> None:
    """Let the last frame of an APNG last so long."""
    with path.open("r+b") as file:
        place, last = PNG_HEAD, None
        file.seek(place)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            last = place if kind == b"fcTL" else last
            place += 12 + length
            file.seek(place)
        if last is None:
            return
        file.seek(last + 4)
        chunk = bytearray(file.read(4 + 26))
        delay = seconds.limit_denominator(LARGEST)
        chunk[4 + DELAY : 8 + DELAY] = struct.pack(">HH", min(delay.numerator, LARGEST), delay.denominator)
        file.seek(last + 4)
        file.write(chunk + struct.pack(">I", zlib.crc32(chunk)))


def end_webp(path: Path, end: int) -> None:
    """Let the last frame of an animated WebP last until ``end`` milliseconds; equal frames before may be one."""
    with path.open("r+b") as file:
        place, last, begin, before = RIFF_HEAD, None, 0, 0
        file.seek(place)
        while len(head := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", head)
            if kind == b"ANMF":
                begin += before
                last = place + 8 + WEBP_DURATION
                before = int.from_bytes(file.read(16)[WEBP_DURATION : WEBP_DURATION + 3], "little")
            place += 8 + length + length % 2
            file.seek(place)
        if last is not None:
            file.seek(last)
            file.write(max(0, min(end - begin, 2**24 - 1)).to_bytes(3, "little"))
