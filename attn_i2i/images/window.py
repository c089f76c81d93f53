"""A part of a picture, cut out of its file without reading the whole where the format allows it.

NPY and uncompressed TIFF are mapped into memory; of a compressed TIFF only the tiles or strips that the part touches
are decoded. Other formats are compressed from front to back, and are read whole.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from ..types import UnreadableFileError
from .decode import from_numbers
from .opening import named_errors, open_image, opened_file
from .picture import Picture, Stored
from .ranges import Range
from .read import NPY, TIFF, from_array, read_npy_header, read_stream

Place = Callable[[int, int], "Window"]


class Window(NamedTuple):
    """Rows and columns of a picture."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def read_window(path: str | Path, place: Place, wanted: Range | str | None = None) -> Picture:
    """The part of a picture that ``place`` chooses, given the picture's height and width; a TIFF's first plane.

    ``wanted`` is the range, as for ``read_image``. The size of the whole is not limited where only the part is read.
    Raises UnreadableFileError, ConfigError and what ``place`` raises.
    """
    path = Path(path)
    with named_errors(str(path)), opened_file(path) as file:
        head = file.read(16)
        file.seek(0)
        picture = None
        if head.startswith(NPY):
            picture = _of_npy(path, file, place, wanted)
        elif head.startswith(TIFF):
            picture = _of_tiff(path, file, place, wanted)
        if picture is not None:
            return picture
        file.seek(0)
        return cut(read_stream(file, str(path), path.name, range=wanted), place)


def cut(picture: Picture, place: Place) -> Picture:
    """The part of a picture that has been read."""
    rows, columns = place(*picture.size).slices
    stored = picture.stored
    part = None if stored is None else Stored(stored.numbers[:, rows, columns], stored.range)
    alpha = None if picture.alpha is None else picture.alpha[:, rows, columns]
    return replace(picture, values=picture.values[:, rows, columns], alpha=alpha, stored=part)


def _of_npy(path: Path, file: IO[bytes], place: Place, wanted: Range | str | None) -> Picture:
    shape, _ = read_npy_header(file, str(path))
    window = place(shape[0], shape[1])
    part: np.ndarray[Any, Any] = np.array(np.load(path, mmap_mode="r", allow_pickle=False)[window.slices])
    return replace(from_array(part, path.name, wanted), format="NPY")


def _of_tiff(path: Path, file: IO[bytes], place: Place, wanted: Range | str | None) -> Picture | None:
    """None where the file has to be read whole: Pillow's kinds of colours, or axes that are not those of one page."""
    from . import tiff, tiff_part  # late: tifffile takes a moment to import

    by_pillow = False
    with suppress(UnreadableFileError):  # of a kind that tifffile may know
        image = open_image(file, str(path), max_pixels=2**62)
        by_pillow = tiff.is_plain(image)
        if by_pillow and image.mode not in ("L", "RGB"):
            return None
    try:
        part = tiff_part.read_part(file, str(path), lambda h, w: place(h, w).slices)
    except UnreadableFileError:
        if by_pillow:  # few bits a number, or a compression that tifffile needs imagecodecs for
            return None
        raise
    return None if part is None else from_numbers(part.numbers, part.alpha, path.name, wanted, format="TIFF")
