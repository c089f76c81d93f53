"""Small files that ask for much: time, memory, or patience."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def grey_png(width: int, height: int, depth: int = 1) -> bytes:
    """A whole PNG of zeros, a thousandth of its pixels large."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    size = ((width * depth + 7) // 8 + 1) * height
    rows = zlib.compress(bytes(size), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png_header(width: int, height: int) -> bytes:
    """A PNG of the given size whose pixels are missing."""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + b"\0\0\0\0IDAT"
    )


def jpeg_of_scans(side: int, scans: int, format_name: str = "JPEG") -> bytes:
    """A progressive JPEG whose last scan is repeated: a few bytes each, and a pass over all pixels."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 128).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content[content.rfind(b"\xff\xda") : -2]
    content = content[:-2] + last * scans + content[-2:]
    return content if format_name == "JPEG" else _in_tiff(content, side)


def _in_tiff(jpeg: bytes, side: int) -> bytes:
    """The JPEG as the one strip of a TIFF."""
    entries = [
        (256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 7), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 4, side), (279, 4, len(jpeg)),
    ]  # fmt: skip
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    padded = jpeg + bytes(len(jpeg) % 2)
    return b"II*\0" + struct.pack("<I", 8 + len(padded)) + padded + struct.pack("<H", len(entries)) + fields + bytes(4)
