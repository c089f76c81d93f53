"""PNG in 16 bits a channel with colours or transparency, which Pillow cuts to 8 bits and does not write."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from .picture import Metadata

# Pillow's decoder takes 16-bit pixels apart by a name of their layout. For RGB and RGBA it has a name for the high
# bytes, which it uses, and one for the low bytes. Grey with alpha has four bytes a pixel, as RGBA has in 8 bits.
LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
ALL_BYTES = {"LA;16B": "RGBA"}
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of a number of channels, by the format of PNG


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow would cut this PNG, which is not loaded yet, to 8 bits."""
    return image.format == "PNG" and _raw_mode(image) in LOW_BYTES.keys() | ALL_BYTES.keys()


def channels_of_deep(image: Image.Image) -> int:
    """Channels without transparency of such a PNG."""
    return 1 if _raw_mode(image) in ALL_BYTES else 3


def _raw_mode(image: Image.Image) -> str | None:
    tile = getattr(image, "tile", None)
    arguments = tile[0][3] if tile else None
    return arguments if isinstance(arguments, str) else arguments[0] if arguments else None


def read_deep(image: Image.Image, file: IO[bytes]) -> np.ndarray[Any, Any]:
    """All channels (C, H, W), uint16; ``image`` has been opened from the stream ``file`` and is loaded here."""
    raw = _raw_mode(image)
    assert raw is not None
    image.load()
    if raw in ALL_BYTES:
        parts = np.asarray(_decoded(file, ALL_BYTES[raw])).astype(np.uint16)
        pixels = parts[..., 0::2] << 8 | parts[..., 1::2]
    else:
        pixels = np.asarray(image).astype(np.uint16) << 8 | np.asarray(_decoded(file, LOW_BYTES[raw]))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _decoded(file: IO[bytes], raw_mode: str) -> Image.Image:
    file.seek(0)
    image = PngImageFile(file)
    first = image.tile[0]
    image.tile = [type(first)(first[0], first[1], first[2], raw_mode)]
    image.load()
    return image


def write_deep(numbers: np.ndarray[Any, Any], path: Path, icc: bytes | None, metadata: Metadata | None) -> None:
    """Write (C, H, W) uint16 as PNG: 1 channel is grey, 2 grey with alpha, 3 RGB, 4 RGBA."""
    count, height, width = numbers.shape
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[count], 0, 0, 0))
        if icc:
            _chunk(file, b"iCCP", b"icc\0\0" + zlib.compress(icc))
        if metadata is not None:
            _write_metadata(file, metadata)
        packer = zlib.compressobj(6)
        above = np.zeros(2 * count * width, np.uint8)
        for y in range(height):
            row = np.ascontiguousarray(numbers[:, y].T).astype(">u2").view(np.uint8).ravel()
            data = packer.compress(_filtered(row, above, 2 * count))
            if data:
                _chunk(file, b"IDAT", data)
            above = row
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _filtered(row: np.ndarray[Any, Any], above: np.ndarray[Any, Any], step: int) -> bytes:
    """The row less its left neighbour or the row above, whichever leaves the smaller bytes (PNG filters 1 and 2)."""
    left, up = row.copy(), row - above
    left[step:] -= row[:-step]
    sums = [int(np.abs(part.view(np.int8).astype(np.int32)).sum()) for part in (left, up)]
    return b"\1" + left.tobytes() if sums[0] <= sums[1] else b"\2" + up.tobytes()


def _write_metadata(file: IO[bytes], metadata: Metadata) -> None:
    if metadata.dpi:
        x, y = (round(value / 0.0254) for value in metadata.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    if metadata.exif:
        _chunk(file, b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    texts = dict(metadata.texts) | (
        {"XML:com.adobe.xmp": metadata.xmp.decode("utf-8", "replace")} if metadata.xmp else {}
    )
    for key, value in texts.items():
        keyword = key.encode("latin-1", "replace")[:79]
        _chunk(file, b"iTXt", keyword + b"\0\0\0\0\0" + value.encode())


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
