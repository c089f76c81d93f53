"""One picture as it was read: what a network sees, and what the file had beside it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from ..types import ShapeError
from .ranges import Range
from .write import eight_bits, shown, to_pil

SAID = frozenset({"description", "software", "datetime", "extratags"})
"""tifffile's options that are neither how numbers lie nor how large they are."""


class PictureWarning(UserWarning):
    """Something of a picture is left out, or may not be meant: later frames, colours of a grey one, a range."""


class Stored(NamedTuple):
    """The numbers (C, H, W) of a file as they are, and the range in which a network sees them."""

    numbers: np.ndarray[Any, Any]
    range: Range


@dataclass(frozen=True)
class Metadata:
    """What a file says of its picture beside the pixels: encoded EXIF without orientation and preview, XMP, texts.

    ``white_is_zero`` is of a grey TIFF in 8 bits or fewer whose numbers count from white; a picture has them turned.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    comment: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    white_is_zero: bool = False


@dataclass(frozen=True)
class TiffLayout:
    """How a scientific file lays its numbers out: ``axes`` of one plane, such as YX, CYX or YXS, and its tags.

    ``options`` are tifffile's for writing such a file again; ``page`` of ``pages`` was read.
    """

    axes: str
    options: dict[str, Any] = field(default_factory=dict)
    page: int = 0
    pages: int = 1

    def bare(self) -> TiffLayout:
        """Without what the file says of itself: only how its numbers lie."""
        options = {key: value for key, value in self.options.items() if key not in SAID}
        return replace(self, options=options)


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: ``values`` are (C, H, W) float32 in [0, 1], ``alpha`` (1, H, W) in [0, 1] or None.

    ``format`` is the name of the file format, ``icc`` the colour profile that the values are meant in. ``stored``
    holds the file's own numbers where 8 bits in [0, 1] would lose any: values beyond its range lie outside [0, 1].
    """

    values: Tensor
    alpha: Tensor | None = None
    name: str = "image"
    format: str | None = None
    icc: bytes | None = None
    stored: Stored | None = None
    metadata: Metadata | None = None
    layout: TiffLayout | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[-2], self.values.shape[-1]

    @property
    def channels(self) -> int:
        """Channels without transparency: 1 for grey, 3 for RGB."""
        return self.values.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the file's numbers."""
        return np.dtype(np.uint8) if self.stored is None else self.stored.numbers.dtype

    @property
    def rgb(self) -> Tensor:
        """The values as (3, H, W) in [0, 1], grey repeated; ShapeError for other numbers of channels."""
        if self.channels not in (1, 3):
            raise ShapeError(f"{self.name} has {self.channels} channels: expected grey or RGB.")
        values = self.values if self.stored is None else self.values.clamp(0, 1)
        return values if self.channels == 3 else values.expand(3, -1, -1).contiguous()

    def numbers(self) -> np.ndarray[Any, Any]:
        """The file's own numbers, (C, H, W)."""
        if self.stored is not None:
            return self.stored.numbers
        return np.moveaxis(eight_bits(self.values), -1, 0)

    def pil(self) -> Image.Image:
        """The picture as its range shows it, in 8 bits: grey or RGB, with its transparency."""
        return to_pil(shown(self.values), self.alpha)
