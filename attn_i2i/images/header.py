"""What a picture file says of its numbers before they are read: how many channels, of which type."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from ..types import UnreadableFileError
from .decode import GREY_MODES
from .deep_png import channels_of_deep, is_deep
from .formats import is_heic
from .opening import named_errors, open_image, opened_file
from .read import NPY, TIFF, read_npy_header, read_stream

# Pillow's modes of other numbers than 8 bits; grey PNG and PPM of 16 bits are "I" in some versions of it.
DEEP_MODES = {"F": np.dtype(np.float32), "I": np.dtype(np.int32)}
SIXTEEN = frozenset({"PNG", "PPM"})


class Header(NamedTuple):
    """Channels without transparency, and the type of the numbers; bits of two levels count as 8."""

    channels: int
    dtype: np.dtype[Any]


def read_header(source: str | Path | bytes, label: str = "image") -> Header:
    """The header of a picture file, or of its bytes, which ``label`` names in errors.

    Pixels are read only where a format hides what they are (HEIC). Raises UnreadableFileError.
    """
    if isinstance(source, bytes):
        with named_errors(label):
            return _header(io.BytesIO(source), label)
    with named_errors(str(source)), opened_file(Path(source)) as file:
        return _header(file, str(source))


def _header(file: IO[bytes], label: str) -> Header:
    head = file.read(16)
    file.seek(0)
    if head.startswith(NPY):
        shape, dtype = read_npy_header(file, label)
        count = shape[2] if len(shape) == 3 else 1
        return Header(3 if count == 4 and dtype in (np.uint8, np.uint16) else count, _counted(dtype))
    if head.startswith(TIFF):
        return _of_tiff(file, label)
    if is_heic(head):
        picture = read_stream(file, label)
        return Header(picture.channels, picture.dtype)
    with open_image(file, label) as image:
        return _of_pillow(image)


def _of_tiff(file: IO[bytes], label: str) -> Header:
    from . import tiff  # late: tifffile takes a moment to import

    with suppress(UnreadableFileError):  # of a kind that tifffile may know
        image = open_image(file, label, max_pixels=2**62)  # windows of large ones can be read
        if tiff.is_plain(image):
            return _of_pillow(image)
    channels, dtype = tiff.read_header(file, label)
    return Header(channels, dtype)


def _of_pillow(image: Image.Image) -> Header:
    if is_deep(image):
        return Header(channels_of_deep(image), np.dtype(np.uint16))
    if image.mode in DEEP_MODES or image.mode.startswith("I;"):
        sixteen = image.mode.startswith("I;16") or image.format in SIXTEEN
        return Header(1, np.dtype(np.uint16) if sixteen else DEEP_MODES[image.mode])
    return Header(1 if image.mode in GREY_MODES else 3, np.dtype(np.uint8))


def _counted(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if dtype == np.bool_ else dtype.newbyteorder("=")
