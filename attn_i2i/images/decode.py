"""Numbers, and Pillow's images, become pictures."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..types import UnreadableFileError
from .metadata import ORIENTATION, metadata_of
from .picture import Picture, PictureWarning, Stored
from .ranges import Numbers, Range, dtype_range, range_of

GREY_MODES = frozenset({"1", "L", "LA"})  # Pillow's, with and without transparency
BYTES = Range(0, 255)  # of 8 bits, which needs no question


def from_pil(image: Image.Image, name: str, wanted: Range | str | None = None) -> Picture:
    """A loaded image, upright: grey stays grey, palettes and other colours become RGB."""
    if image.mode == "CMYK" and image.format:
        warnings.warn("A CMYK picture is read as RGB, and comes back so.", PictureWarning, stacklevel=5)
    numbers, alpha = _channels(image)
    turn = image.getexif().get(ORIENTATION, 1)
    numbers, alpha = turned(numbers, turn), None if alpha is None else turned(alpha, turn)
    return from_numbers(numbers, alpha, name, wanted, **beside(image, len(numbers)))


def beside(image: Image.Image, channels: int) -> dict[str, Any]:
    """What a loaded image has beside its pixels, as fields of a Picture of that many channels."""
    icc = image.info.get("icc_profile")
    space = b"GRAY" if channels == 1 else b"RGB "
    fits = isinstance(icc, bytes) and icc[16:20] == space
    return {"format": image.format, "metadata": metadata_of(image), "icc": icc if fits else None}


def _channels(image: Image.Image) -> tuple[Numbers, Numbers | None]:
    """(C, H, W) and transparency (1, H, W) or None."""
    if image.mode == "F" or image.mode.startswith("I"):
        grey = np.asarray(image)[None]
        if image.mode == "I" and image.format in ("PNG", "PPM"):
            grey = grey.astype(np.uint16)  # as Pillow reads 16 bits there, in some versions
        clear = image.info.get("transparency")
        return grey, grey != clear if isinstance(clear, int) else None
    count = 1 if image.mode in GREY_MODES else 3
    if image.has_transparency_data:
        pixels = np.array(image.convert("RGBA")).transpose(2, 0, 1)
        return pixels[:count], pixels[3:]
    pixels = np.array(image.convert("L" if count == 1 else "RGB"))
    return pixels[None] if count == 1 else pixels.transpose(2, 0, 1), None


def turned(numbers: Numbers, orientation: int) -> Numbers:
    """(C, H, W) turned upright by EXIF's orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        numbers = numbers.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        numbers = numbers[:, ::-1]
    if orientation in (2, 3, 6, 7):
        numbers = numbers[:, :, ::-1]
    return numbers


def from_numbers(
    numbers: Numbers, alpha: Numbers | None, name: str, wanted: Range | str | None = None, **fields: Any
) -> Picture:
    """A picture of (C, H, W) numbers of any type, as a range or its type shows them; ``fields`` are a Picture's others.

    Raises UnreadableFileError for numbers that are none, and ConfigError where a range has to be given.
    """
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        raise UnreadableFileError(
            "it holds pixels that are not numbers (NaN or infinity): save it with numbers in their place."
        )
    opacity = None if alpha is None else _opacity(alpha)
    if numbers.dtype == np.bool_:
        numbers = numbers.astype(np.uint8) * np.uint8(255)
    if numbers.dtype == np.uint8 and (not isinstance(wanted, Range) or wanted == BYTES):
        return Picture(_unit(numbers), opacity, name, **fields)
    numbers = np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder("="), copy=False))
    stored = Stored(numbers, range_of(numbers, wanted))
    return Picture(stored.range.unit(numbers), opacity, name, stored=stored, **fields)


def _unit(numbers: Numbers) -> Tensor:
    """8-bit numbers as float32 in [0, 1]."""
    if min(numbers.strides) < 0 or not numbers.flags.writeable:  # neither suits torch
        numbers = numbers.copy()
    return torch.from_numpy(numbers).contiguous().float().div_(255)


def _opacity(alpha: Numbers) -> Tensor:
    if alpha.dtype == np.uint8:
        return _unit(alpha)
    return dtype_range(alpha.dtype).unit(alpha.astype(np.float64) if alpha.dtype == np.bool_ else alpha).clamp_(0, 1)
