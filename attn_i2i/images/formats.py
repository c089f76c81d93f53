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
HEIC, HEIC_SUFFIXES = "a HEIC photo", (".heic", ".heif", ".hif")
READS_HEIC = find_spec("pillow_heif") is not None
if READS_HEIC:
    READABLE["HEIF"] = HEIC_SUFFIXES
SUFFIXES = frozenset(suffix for suffixes in READABLE.values() for suffix in suffixes)
# Pictures that cannot be read here: left out of a folder, they are missing from its translation.
RAW = "a camera's raw file"
FOREIGN = {
    HEIC: () if READS_HEIC else HEIC_SUFFIXES,
    RAW: (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    "a drawing": (".svg", ".svgz", ".eps", ".ai", ".pdf"),
    "a file of another picture format": (".psd", ".tga", ".ico", ".exr", ".hdr", ".jxl", ".xcf", ".dds", ".pcx"),
}
RAW_SUFFIXES = frozenset(FOREIGN[RAW])
FOREIGN_SUFFIXES = {suffix: what for what, suffixes in FOREIGN.items() for suffix in suffixes}
SNIFFED = {
    b"version https://git-lfs": "a Git LFS pointer, not the picture: run `git lfs pull`",
    b"<!doctype html": "a web page: download the picture itself",
    b"<html": "a web page: download the picture itself",
    b"<svg": "an SVG drawing: export it as PNG first",
    b"%!ps": "a PostScript file: export it as PNG first",
    b"%pdf": "a PDF: export the page as PNG first",
}
HEIC_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"hevc", b"heim", b"heis", b"msf1"})


def is_picture(path: Path) -> bool:
    """Whether a file of this name is read as a picture; hidden files, such as ``._a.png``, never are."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def foreign(path: Path) -> str | None:
    """What a file is that goes by the name of a picture format not read here, with what to do about it; else None."""
    what = FOREIGN_SUFFIXES.get(path.suffix.lower())
    if what == HEIC:
        return f"{what}: pip install 'attn-i2i[heic]' reads those"
    return what and f"{what}: export it as JPEG, PNG or TIFF first"


def is_heic(head: bytes) -> bool:
    """Whether a file that starts with ``head`` is a HEIC photo."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def looks_like(head: bytes) -> str:
    """What a file is that starts with ``head`` and that no reader takes, with what to do about it."""
    if not head:
        return "empty"
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    sniffed = [what for mark, what in SNIFFED.items() if start.startswith(mark)]
    return sniffed[0] if sniffed else f"no picture, or a damaged one: expected {', '.join(READABLE)}"
