"""Archives as published checkpoints come in, the broken ones too."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def wrapped_zip(files: dict[str, bytes], wrap: int) -> bytes:
    """A zip as macOS writes it: deflated, sizes behind each member, every number modulo ``wrap``."""
    out, directory = bytearray(), bytearray()
    for name, content in files.items():
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = engine.compress(content) + engine.flush()
        numbers = (zlib.crc32(content), len(packed) % wrap, len(content) % wrap)
        start = len(out) % wrap
        raw = name.encode()
        out += b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 8, 8, 0, 0, 0, 0, 0, len(raw), 0) + raw + packed
        out += b"PK\7\x08" + struct.pack("<III", *numbers)
        directory += b"PK\1\2" + struct.pack(
            "<HHHHHHIIIHHHHHII", 20, 20, 8, 8, 0, 0, *numbers, len(raw), 0, 0, 0, 0, 0, start
        )
        directory += raw
    place = len(out) % wrap
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), place, 0)
    return bytes(out + directory + b"PK\5\6" + end)
