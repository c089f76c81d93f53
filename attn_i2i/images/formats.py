"""Which file formats are pictures here, by name and by their first bytes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# Only these: Pillow would hand other files to a parser few people test, or (EPS) to an interpreter.
READABLE = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".mpo",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k"),
    "NPY": (".npy",),
}
HEIC_SUFFIXES = (".heic", ".heif", ".hif")
READS_HEIC = find_spec("pillow_heif") is not None
if READS_HEIC:
    READABLE["HEIF"] = HEIC_SUFFIXES
SUFFIXES = frozenset(suffix for suffixes in READABLE.values() for suffix in suffixes)
HEIC_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"hevc", b"heim", b"heis", b"msf1"})


def is_picture(path: Path) -> bool:
    """Whether a file of this name is read as a picture; hidden files, such as ``._a.png``, never are."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def is_heic(head: bytes) -> bool:
    """Whether a file that starts with ``head`` is a HEIC photo."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS
