"""Pictures and other files that are not read here: what they are, by name and by content, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .formats import HEIC_SUFFIXES, READABLE, READS_HEIC, SUFFIXES

HEAD_BYTES = 512  # NIfTI's mark is the last that a format has, at byte 344


class ForeignFormat(NamedTuple):
    """A format not read here, what to do with its files, their endings, and their marks: bytes at a place."""

    what: str
    advice: str
    suffixes: tuple[str, ...] = ()
    marks: tuple[tuple[int, bytes], ...] = ()

    @property
    def told(self) -> str:
        """What such a file is, and what to do."""
        return f"{self.what}: {self.advice}"

    def begins(self, head: bytes, text: bytes) -> bool:
        """Whether a file that begins so is one; ``text`` is ``head`` in lower case, from its first mark on."""
        return any(
            head[place:].startswith(mark) or (place == 0 and text.startswith(mark)) for place, mark in self.marks
        )


HEIC = ForeignFormat("a HEIC photo", "pip install 'attn-i2i[heic]' reads those", HEIC_SUFFIXES)
RAW = ForeignFormat(
    "a camera's raw file",
    "export it as TIFF or JPEG first (with darktable, RawTherapee or the camera's program)",
    (
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".srw", ".orf", ".rw2", ".raf"),
        *(".pef", ".x3f", ".3fr", ".iiq", ".erf", ".kdc", ".mrw"),
    ),
    ((0, b"FUJIFILMCCD-RAW"), (0, b"IIRO"), (0, b"IIU\0"), (0, b"FOVb"), (4, b"ftypcrx ")),
)
ARRAYS = ForeignFormat(
    "a file of arrays", "save the one that you mean as .npy first", (), ((0, b"\x89HDF\r\n\x1a\n"), (0, b"MATLAB 5.0"))
)
# Told by their content before what follows: a page or a pointer may bear any name.
STAND_INS = (
    ForeignFormat(
        "a Git LFS pointer, not the file itself", "run `git lfs pull`", (), ((0, b"version https://git-lfs"),)
    ),
    ForeignFormat("a web page", "download the file itself", (), ((0, b"<!doctype html"), (0, b"<html"))),
)
FORMATS = (
    *(() if READS_HEIC else (HEIC,)),
    RAW,
    ForeignFormat(
        "a DICOM file",
        "save its pixels as TIFF or .npy first (with Fiji, or pydicom and numpy.save)",
        (".dcm", ".dicom", ".ima"),
        ((128, b"DICM"),),
    ),
    ForeignFormat(
        "a volume of medical imaging",
        "save its slices as TIFF or .npy first (with Fiji, or SimpleITK)",
        (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz"),
        ((344, b"n+1\0"), (344, b"ni1\0"), (0, b"NRRD000"), (0, b"ObjectType = Image")),
    ),
    ForeignFormat(
        "a microscope's own file",
        "save it as TIFF first (with Fiji, or bfconvert of Bio-Formats)",
        (
            *(".czi", ".zvi", ".lsm", ".nd2", ".lif", ".lof", ".xlif", ".oib", ".oif", ".oir", ".vsi", ".ims"),
            *(".dm3", ".dm4"),
        ),
        ((0, b"ZISRAWFILE"), (0, b"\xda\xce\xbe\n"), (0, b"\x70\0\0\0"), (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ),
    ForeignFormat(
        "a scan of a slide",
        "save the part or the level that you need as TIFF first (with QuPath, or libvips)",
        (".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".qptiff", ".vms"),
    ),
    ForeignFormat(
        "a FITS file",
        "save its numbers as TIFF or .npy first (with Fiji, or astropy and numpy.save)",
        (".fits", ".fit", ".fts"),
        ((0, b"simple  ="),),
    ),
    ForeignFormat(
        "a drawing",
        "export it as PNG first (with Inkscape)",
        (".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf"),
        ((0, b"<svg"), (0, b"%!ps")),
    ),
    ForeignFormat("a PDF", "export the page as PNG first (with pdftoppm -png)", (".pdf",), ((0, b"%pdf"),)),
    ForeignFormat(
        "a picture of a format that is not read here",
        "export it as PNG or TIFF first (with GIMP or ImageMagick)",
        (".psd", ".psb", ".xcf", ".kra", ".tga", ".ico", ".cur", ".icns", ".exr", ".hdr", ".jxl", ".dds", ".pcx"),
        (
            *((0, b"8BPS"), (0, b"gimp xcf"), (0, b"\x76\x2f\x31\x01"), (0, b"#?RADIANCE"), (0, b"\0\0\1\0")),
            *((0, b"\xff\n"), (4, b"JXL \r\n\x87\n"), (0, b"DDS "), (0, b"icns")),
        ),
    ),
)
OTHERS = (
    ARRAYS,
    ForeignFormat("an archive, or a file of a program that packs its own", "unpack it first", (), ((0, b"PK\3\4"),)),
    ForeignFormat("a compressed file", "unpack it first", (), ((0, b"\x1f\x8b"), (0, b"BZh"), (0, b"\xfd7zXZ\0"))),
    ForeignFormat(
        "a video",
        "name it with its ending, such as .mp4",
        (),
        (*((4, b"ftyp" + brand) for brand in (b"iso", b"mp4", b"M4V", b"avc1", b"qt")), (0, b"\x1aE\xdf\xa3")),
    ),
)
SUFFIXES_ELSEWHERE = {suffix: form for form in FORMATS for suffix in form.suffixes}
RAW_SUFFIXES = frozenset(RAW.suffixes)
# What may stand before the first mark of a text: a byte order, spaces, and what XML says of itself.
_BEFORE = re.compile(
    rb"^(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?", re.DOTALL | re.IGNORECASE
)


def is_foreign(path: Path) -> bool:
    """Whether a file goes by the name of a picture format that is not read here."""
    return _form_of(path) is not None


def foreign(path: Path) -> str | None:
    """What a file is that goes by the name of a picture format not read here, with what to do about it; else None."""
    form = _form_of(path)
    return form and form.told


def looks_like(head: bytes, name: str = "") -> str:
    """What a file called ``name`` is that starts with ``head`` and that no reader takes, with what to do about it."""
    if not head:
        return "empty: copy or download it again"
    text = _BEFORE.sub(b"", head).lower()
    for form in (*STAND_INS, *FORMATS):
        if form.begins(head, text):
            return form.told
    if told := foreign(Path(name)):
        return told
    for form in OTHERS:
        if form.begins(head, text):
            return form.told
    return f"no picture, or a damaged one: expected {', '.join(READABLE)}"


def stand_in(head: bytes) -> str | None:
    """A pointer or a web page in the place of any file that starts with ``head``, with what to do; else None."""
    text = _BEFORE.sub(b"", head).lower()
    return next((form.told for form in STAND_INS if form.begins(head, text)), None)


def none_read(left_out: Iterable[str | Path]) -> str:
    """What to say behind "no pictures" where ``left_out`` is all that a folder has."""
    for path in map(Path, left_out):
        if told := foreign(path):
            return f" that are read here: {path.name} is {told}"
    return f" ({' '.join(sorted(SUFFIXES))})"


def _form_of(path: Path) -> ForeignFormat | None:
    name = path.name.lower()
    double = "".join(path.suffixes[-2:]).lower()
    return SUFFIXES_ELSEWHERE.get(double) or SUFFIXES_ELSEWHERE.get(Path(name).suffix)
