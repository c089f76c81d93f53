"""Small pictures for a page, each once, as addresses that hold their content."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from ...images import colorize, read_image, to_pil
from ...images.write import shown
from ..data import Data

SIDE = 256
"""Pixels of the longer side: a choice, with which a page of hundreds stays a few megabytes."""
QUALITY = 82  # of WebP: a choice, Pillow's own is 80


class Thumbnails:
    """Pictures by a short key; the same file is read and written once."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._keys: dict[tuple[Path, bool], str] = {}
        self.addresses: dict[str, str] = {}

    def key(self, path: Path, *, mask: bool = False) -> str:
        """The key of a picture; a ``mask`` is shown in colours."""
        identity = (path, mask)
        if identity not in self._keys:
            self._keys[identity] = f"p{len(self._keys)}"
            self.addresses[self._keys[identity]] = address(small(self._data, path, mask=mask))
        return self._keys[identity]


def small(data: Data, path: Path, *, mask: bool = False) -> Image.Image:
    """The picture as measures see it, or a mask in colours, reduced to SIDE pixels; small ones stay as they are."""
    picture = shown((read_image(path) if mask else data.picture(path)).values.clamp(0, 1))
    image = to_pil(colorize(picture[:1]) if mask else picture).convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def address(image: Image.Image) -> str:
    """A data address: WebP, which every browser of today shows."""
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
