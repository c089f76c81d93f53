"""What a picture file says beside its pixels, read and written again."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .picture import Metadata

ORIENTATION = 0x0112  # the tag of EXIF
# Of a TIFF's own tags those about the picture's making; the others say how its bytes lie.
DESCRIBING = (270, 271, 272, 305, 306, 315, 33432)
DESCRIPTION, SHAPED = 270, '{"shape": '  # tifffile's note of a stack's axes, which is wrong of a page of it
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
IFDS = (0x8769, 0x8825)  # the parts of EXIF about the exposure and the place
XMP_IN_PNG = "XML:com.adobe.xmp"


def metadata_of(image: Image.Image) -> Metadata | None:
    """The metadata of a picture that has been loaded; None where there is none. Damaged parts are left out."""
    metadata = metadata_from(image.getexif(), image.info, image.format)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO and image.mode in ("1", "L"):
        return replace(metadata or Metadata(), white_is_zero=True)
    return metadata


def metadata_from(exif: Image.Exif, info: dict[Any, Any], format_name: str | None) -> Metadata | None:
    """The metadata of a file of that format, from its EXIF and what else Pillow calls its info."""
    xmp = info.get("xmp") or info.get(XMP_IN_PNG) or b""
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    texts = {key: str(value) for key, value in info.items() if isinstance(value, str) and key != XMP_IN_PNG}
    comment = info.get("comment") or b""
    metadata = Metadata(
        _exif(exif, format_name),
        b"" if b"tiff:Orientation" in xmp else xmp,  # it would turn the upright picture again
        _resolution(info.get("dpi")),
        comment if isinstance(comment, bytes) else b"",
        texts if format_name == "PNG" else {},
    )
    return metadata if metadata != Metadata() else None


def _exif(exif: Image.Exif, format_name: str | None) -> bytes:
    """The EXIF of an upright picture, without its preview, which would show the picture before the translation."""
    with contextlib.suppress(Exception):  # damaged metadata costs itself only
        tags = Image.Exif()
        for tag, value in exif.items():
            if tag != ORIENTATION and tag not in IFDS and (format_name != "TIFF" or tag in DESCRIBING):
                tags[tag] = value
        if str(tags.get(DESCRIPTION, "")).startswith(SHAPED):
            del tags[DESCRIPTION]
        for tag in IFDS:
            if part := dict(exif.get_ifd(tag)):
                tags[tag] = part
        return tags.tobytes() if len(tags) else b""
    return b""


def _resolution(dpi: Any) -> tuple[float, float] | None:
    with contextlib.suppress(TypeError, ValueError):
        x, y = (float(value) for value in dpi)
        return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None
    return None


def save_options(metadata: Metadata | None, format_name: str) -> dict[str, Any]:
    """What Pillow's ``save`` takes to write the metadata into a file of that format, as far as it can hold it."""
    if metadata is None:
        return {}
    options: dict[str, Any] = {}
    if metadata.exif and format_name in ("JPEG", "PNG", "WEBP"):
        options["exif"] = metadata.exif
    if format_name == "TIFF" and (metadata.exif or metadata.white_is_zero):
        options["tiffinfo"] = _tags(metadata.exif)
        if metadata.white_is_zero:
            options["tiffinfo"][PHOTOMETRIC] = WHITE_IS_ZERO  # Pillow then turns the numbers round, too
    if metadata.xmp and format_name in ("JPEG", "WEBP"):
        options["xmp"] = metadata.xmp
    if metadata.dpi and format_name in ("JPEG", "PNG", "TIFF", "BMP"):
        options["dpi"] = metadata.dpi
    if metadata.comment and format_name == "JPEG":
        options["comment"] = metadata.comment
    if format_name == "PNG" and (metadata.texts or metadata.xmp):
        options["pnginfo"] = _texts(metadata)
    return options


def _tags(encoded: bytes) -> ImageFileDirectory_v2:
    """EXIF's main tags as a TIFF's own; Pillow writes no parts about exposure and place into compressed ones."""
    exif, tags = Image.Exif(), ImageFileDirectory_v2()
    if encoded:
        exif.load(encoded)
    for tag, value in exif.items():
        if tag in DESCRIBING:
            tags[tag] = value
    return tags


def _texts(metadata: Metadata) -> PngInfo:
    chunks = PngInfo()
    for key, value in metadata.texts.items():
        with contextlib.suppress(Exception):  # a key that no encoder takes
            chunks.add_text(key, value)
    if metadata.xmp:
        chunks.add_itxt(XMP_IN_PNG, metadata.xmp.decode("utf-8", "replace"))
    return chunks
