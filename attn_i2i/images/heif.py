"""HEIC photos, through pillow-heif where it is installed (``attn-i2i[heic]``)."""

from __future__ import annotations

from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from ..types import UnreadableFileError
from .metadata import metadata_from
from .opening import check_size
from .picture import Metadata


class Photo(NamedTuple):
    """The channels (C, H, W) of a photo, upright, its transparency (1, H, W) or None, and what is said beside them."""

    numbers: np.ndarray[Any, Any]
    alpha: np.ndarray[Any, Any] | None
    icc: bytes | None
    metadata: Metadata | None


def read_heif(file: IO[bytes], label: str, max_pixels: int) -> Photo:
    """The main picture of a HEIC file; photos of 10 and 12 bits come as uint16, scaled to all of it."""
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadableFileError(f"{label} is a HEIC photo: pip install 'attn-i2i[heic]' reads those.") from error
    photo = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
    check_size(photo.size, label, max_pixels)
    pixels = np.asarray(photo)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    numbers = pixels.transpose(2, 0, 1)
    colours = 3 if len(numbers) > 2 else 1
    exif = Image.Exif()
    if isinstance(content := photo.info.get("exif"), bytes):
        exif.load(content)
    icc = photo.info.get("icc_profile")
    alpha = numbers[colours:] if len(numbers) > colours else None
    fits = isinstance(icc, bytes) and icc[16:20] == (b"GRAY" if colours == 1 else b"RGB ")
    return Photo(numbers[:colours], alpha, icc if fits else None, metadata_from(exif, photo.info, "HEIF"))
