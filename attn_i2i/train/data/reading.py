"""One training picture as the networks see it: its channels, in one range, at the size of the crops."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...images.deep_png import is_deep
from ...images.metadata import ORIENTATION
from ...images.opening import open_image, opened_file
from ...images.picture import Picture
from ...images.ranges import Range
from ...images.read import read_image, read_stream
from ...images.window import Place, cut, read_window
from ...interfaces import RGB
from ...types import AttnI2IError, ShapeError, UnreadableFileError

QUICK = frozenset({"JPEG", "PNG", "WEBP"})  # formats that Pillow reads as they are, and JPEG reduced while it decodes
MODES = {1: "L", RGB: "RGB"}  # Pillow's, by the number of channels

Size = int | tuple[int, int]
"""A side of a square, or height and width."""


class Encoded(NamedTuple):
    """A picture as the bytes of its file, and what errors call it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Reading:
    """How all pictures of a training are read: their ``channels``, and which stored numbers are -1 and 1.

    Without a ``range`` they have 8 bits; "dtype" is all that each picture's type can hold.
    """

    channels: int = RGB
    range: Range | str | None = None

    @property
    def bytes(self) -> bool:
        """Whether pictures are kept as uint8 until they are on the device; all others are float32 in [-1, 1]."""
        return self.range is None and self.channels in MODES

    @property
    def dtype(self) -> torch.dtype:
        """What one number of a picture is held in."""
        return torch.uint8 if self.bytes else torch.float32


RGB_BYTES = Reading()
"""Colours in 8 bits, as every published training has them."""


def sides(size: Size) -> tuple[int, int]:
    """Height and width."""
    return (size, size) if isinstance(size, int) else size


def read_resized(file: str | Encoded, size: Size, reading: Reading = RGB_BYTES) -> Tensor:
    """(C, height, width) from a path or an encoded picture, bicubic; the published code keeps no aspect ratio.

    Of bytes uint8, else float32 in [-1, 1]. Raises UnreadableFileError or ShapeError, which name the picture.
    """
    height, width = sides(size)
    if not reading.bytes:
        values = _values(_picture(file, reading), reading)
        if values.shape[-2:] != (height, width):
            values = F.interpolate(values[None], (height, width), mode="bicubic", antialias=True)[0].clamp_(0, 1)
        return values.mul(2).sub_(1)
    image = _quickly_read(file, (width, height), reading)
    if image is None:
        image = _in_bytes(_picture(file, reading), reading)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return _tensor(image)


def read_part(file: str | Encoded, place: Place, reading: Reading = RGB_BYTES) -> Tensor:
    """The part of a picture that ``place`` chooses, at the picture's own scale; otherwise as ``read_resized``."""
    if isinstance(file, Encoded):
        picture = cut(_picture(file, reading), place)
    else:
        picture = _checked(file, read_window(file, place, reading.range), reading)
    return _tensor(_in_bytes(picture, reading)) if reading.bytes else _values(picture, reading).mul(2).sub_(1)


def check_channels(name: str, channels: int, reading: Reading) -> None:
    """Raise ShapeError for a picture of other channels; a grey one among colours is shown in three equal ones."""
    if channels != reading.channels and (channels, reading.channels) != (1, RGB):
        raise ShapeError(
            f"{name} has channels={channels}, and this training is of channels={reading.channels}: convert the"
            " picture, or remove it."
        )


def _tensor(image: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image))
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)


def _picture(file: str | Encoded, reading: Reading) -> Picture:
    if isinstance(file, Encoded):
        return _checked(file.name, read_stream(io.BytesIO(file.data), file.name, range=reading.range), reading)
    return _checked(file, read_image(file, range=reading.range), reading)


def _checked(name: str, picture: Picture, reading: Reading) -> Picture:
    check_channels(name, picture.channels, reading)
    if reading.range is None and picture.dtype != np.uint8:
        raise UnreadableFileError(
            f"{name} holds {picture.dtype} numbers among pictures of 8 bits: say what they mean by a range for all"
            ' (range="dtype", say).'
        )
    return picture


def _in_bytes(picture: Picture, reading: Reading) -> Image.Image:
    return picture.pil().convert(MODES[reading.channels])


def _values(picture: Picture, reading: Reading) -> Tensor:
    """(C, H, W) in [0, 1]; numbers beyond the range are its ends."""
    values = picture.values.clamp(0, 1)
    return values if picture.channels == reading.channels else values.repeat(reading.channels, 1, 1)


def _quickly_read(file: str | Encoded, size: tuple[int, int], reading: Reading) -> Image.Image | None:
    """An upright 8-bit picture without a detour over floats, a large JPEG at a fraction of its size; else None.

    What this does not take, or cannot read, is left to ``read_image``, which says what is wrong with it.
    """
    mode = MODES[reading.channels]
    try:
        with _stream(file) as stream, open_image(stream, "") as image:
            plain = image.mode in (mode, "L") and image.getexif().get(ORIENTATION, 1) == 1
            if image.format not in QUICK or not plain or is_deep(image) or getattr(image, "is_animated", False):
                return None
            image.draft(mode, size)
            return image.convert(mode)
    except (AttnI2IError, OSError, SyntaxError, ValueError):
        return None


def _stream(file: str | Encoded) -> AbstractContextManager[IO[bytes]]:
    return io.BytesIO(file.data) if isinstance(file, Encoded) else opened_file(Path(file))
