"""Pictures of any depth out, as they came in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from ..arguments import typed
from ..files import atomic_path
from ..types import ConfigError
from .decode import BYTES
from .deep_png import write_deep
from .metadata import save_options
from .picture import Picture, Stored
from .ranges import Numbers, Range, dtype_range
from .values import strips
from .write import ARRAYS, to_pil, write_image, writer_of

TIFFS = frozenset({".tif", ".tiff"})


def check_target(path: Path) -> None:
    """Raise ConfigError where the extension names no format that is written here."""
    if path.suffix.lower() not in ARRAYS:
        writer_of(path)


@typed
def write_picture(picture: Picture, path: str | Path, *, force: bool = False, metadata: bool = True) -> Path:
    """Write a picture whole or not at all, with the depth, channels and metadata that it has.

    The extension names the format. Existing files are replaced only with ``force``; ``metadata=False`` leaves out
    EXIF and texts. Raises ConfigError where the format cannot hold the picture, which names one that can.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    check_target(path)
    kept = picture.metadata if metadata else None
    if suffix not in TIFFS:
        picture = _black_is_zero(picture)
    if suffix in ARRAYS:
        with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
            _write_array(picture, file)
    elif suffix in TIFFS and (
        picture.layout is not None or picture.stored is not None or picture.channels not in (1, 3)
    ):
        from .tiff_write import write_plane  # late: tifffile takes a moment to import

        layout = picture.layout if metadata or picture.layout is None else picture.layout.bare()
        with atomic_path(path, force=force) as temporary:
            write_plane(picture.numbers(), _alpha(picture), temporary, layout, picture.icc)
    elif suffix == ".png" and picture.dtype == np.uint16 and picture.channels in (1, 3):
        with atomic_path(path, force=force) as temporary:
            write_deep(with_alpha(picture), temporary, picture.icc, kept)
    else:
        _check_bytes(picture, path)
        if kept is not None and (picture.channels != 1 or picture.alpha is not None):  # Pillow writes others so alone
            kept = replace(kept, white_is_zero=False)
        options = save_options(kept, writer_of(path).format)
        return write_image(_bytes(picture), path, icc=picture.icc, force=force, **options)
    return path


def _black_is_zero(picture: Picture) -> Picture:
    """A picture whose numbers count from white, for formats that cannot say so: its numbers turned round."""
    if picture.stored is None or picture.stored.range.low < picture.stored.range.high:
        return picture
    usual = Range(picture.stored.range.high, picture.stored.range.low)
    return replace(picture, stored=Stored(usual.numbers(picture.values, picture.dtype), usual))


def _check_bytes(picture: Picture, path: Path) -> None:
    """What is left is written in 8 bits: refuse to lose depth or channels."""
    if picture.channels not in (1, 3):
        raise ConfigError(
            f"{path}: it holds 1 or 3 channels, and the picture has {picture.channels}: use .tif or .npy."
        )
    if picture.dtype != np.uint8:
        also = ".png, " if picture.dtype == np.uint16 else ""
        raise ConfigError(
            f"{path}: it would lose depth, because the picture is {picture.dtype}: use {also}.tif or .npy."
        )


def _bytes(picture: Picture) -> Image.Image:
    """A picture of 8 bits as its file holds it: with a range of its own that is not how it looks in that range."""
    return picture.pil() if picture.stored is None else to_pil(BYTES.unit(picture.stored.numbers), picture.alpha)


def _alpha(picture: Picture) -> Numbers | None:
    """Transparency in the picture's own type."""
    if picture.alpha is None:
        return None
    return dtype_range(picture.dtype).numbers(picture.alpha, picture.dtype)


def with_alpha(picture: Picture) -> Numbers:
    """The picture's numbers (C, H, W), and below them its transparency where it has one."""
    alpha = _alpha(picture)
    return picture.numbers() if alpha is None else np.concatenate([picture.numbers(), alpha])


def _write_array(picture: Picture, file: IO[bytes]) -> None:
    """As (H, W) or (H, W, C), as arrays are read; row after row, because in another order all would be copied."""
    numbers = with_alpha(picture)
    shape = numbers.shape[1:] if len(numbers) == 1 else (*numbers.shape[1:], len(numbers))
    descr = np.lib.format.dtype_to_descr(numbers.dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    for rows in strips(numbers.shape):
        file.write(np.ascontiguousarray(np.moveaxis(numbers[rows], 0, -1)).data)
