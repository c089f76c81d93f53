"""Pictures out: tensors become PIL images, and those whole files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..arguments import typed
from ..files import atomic_path
from ..types import ConfigError, ShapeError
from .values import strips


class _Writer(NamedTuple):
    format: str
    options: dict[str, Any]
    longest_side: int
    transparency: bool


# Quality 95 is the highest that Pillow's documentation advises; longest sides are those of the formats.
_JPEG = _Writer("JPEG", {"quality": 95, "subsampling": 0}, 65500, False)
_TIFF = _Writer("TIFF", {"compression": "tiff_adobe_deflate"}, 2**31 - 1, True)
WRITERS = {
    ".png": _Writer("PNG", {}, 2**31 - 1, True),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".webp": _Writer("WEBP", {"lossless": True, "exact": True}, 16383, True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _Writer("BMP", {}, 2**31 - 1, False),
}


ARRAYS = frozenset({".npy"})  # written by numpy, not by Pillow


@typed
def output_name(name: str, *, transparency: bool = False) -> str:
    """The file name for a translation of ``name``: the same where that format is written here, else PNG.

    With ``transparency`` the format must hold that too.
    """
    path = Path(name)
    if path.suffix.lower() in ARRAYS:
        return path.name
    writer = WRITERS.get(path.suffix.lower())
    return path.name if writer and (writer.transparency or not transparency) else f"{path.stem}.png"


def writer_of(path: Path) -> _Writer:
    """How a picture called ``path`` is written; ConfigError where its extension names no format written here."""
    try:
        return WRITERS[path.suffix.lower()]
    except KeyError:
        known = ", ".join([*WRITERS, *ARRAYS])
        message = f"{path}: still pictures are not written as {path.suffix or 'a file without an ending'}: use {known}."
        raise ConfigError(message) from None


def to_pil(rgb: Tensor, alpha: Tensor | None = None) -> Image.Image:
    """8 bits from (3, H, W) or grey (1, H, W) in [0, 1], with transparency from ``alpha`` (1, H, W)."""
    pixels = eight_bits(rgb, alpha)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def eight_bits(values: Tensor, alpha: Tensor | None = None) -> np.ndarray[Any, Any]:
    """(C, H, W) in [0, 1], and transparency (1, H, W) behind it, as (H, W, C) of 8 bits."""
    parts = [values] if alpha is None else [values, alpha]
    pixels = np.empty((*values.shape[1:], sum(map(len, parts))), np.uint8)
    for rows in strips(values.shape):
        part = torch.cat([each[rows].detach().to(values).float() for each in parts])
        pixels[rows[1]] = part.clamp_(0, 1).mul_(255).round_().byte().permute(1, 2, 0).cpu().numpy()
    return pixels


def shown(values: Tensor) -> Tensor:
    """(C, H, W) as 1 or 3 channels to look at: two are red and green, of more than three the first three."""
    if len(values) in (1, 3):
        return values
    return values[:3] if len(values) > 3 else torch.cat([values, torch.zeros_like(values[:1])])


@typed
def write_image(
    image: Image.Image, path: str | Path, *, icc: bytes | None = None, force: bool = False, **options: Any
) -> Path:
    """Write a picture whole or not at all, in the format its extension names; existing files only with ``force``.

    JPEG is written at quality 95 without chroma subsampling, WebP and TIFF without loss. ``options`` go to Pillow.
    """
    path = Path(path)
    writer = writer_of(path)
    if max(image.size) > writer.longest_side:
        raise ShapeError(f"{path}: {writer.format} holds {writer.longest_side} pixels a side at most: use .png.")
    if image.has_transparency_data and not writer.transparency:
        raise ConfigError(f"{path}: {writer.format} holds no transparency: use .png or .webp.")
    with atomic_path(path, force=force) as temporary:
        image.save(temporary, format=writer.format, icc_profile=icc, **writer.options, **options)
    return path
