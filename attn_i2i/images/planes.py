"""A plane of a TIFF as a picture, whoever decodes it."""

from __future__ import annotations

from dataclasses import replace
from typing import IO

from tifffile import TiffFile, TiffPageSeries

from ..types import ConfigError
from .decode import from_numbers
from .picture import Picture, Stored
from .ranges import Range
from .tiff import Plane, opened_tiff, plane_at, planes_of
from .tiff_frames import has_frames, read_frame


def read_page(
    file: IO[bytes], label: str, name: str, page: int | None, wanted: Range | str | None, max_pixels: int
) -> Picture:
    """One plane of a TIFF, the first unless a ``page`` is given; raises UnreadableFileError and ConfigError."""
    with opened_tiff(file, label) as tiff:
        planes = planes_of(tiff)
        if not 0 <= (page or 0) < len(planes):
            raise ConfigError(f"page={page} was given, but {label} has {len(planes)} pages, counted from 0.")
        return plane_picture(tiff, planes, page or 0, file, label, name, wanted, max_pixels)


def plane_picture(
    tiff: TiffFile,
    planes: list[tuple[TiffPageSeries, int]],
    page: int,
    file: IO[bytes],
    label: str,
    name: str,
    wanted: Range | str | None,
    max_pixels: int,
) -> Picture:
    """The plane of that number, of those that ``planes_of`` gave; ``file`` is what Pillow may read it from."""
    series, index = planes[page]
    if not has_frames(series):
        return _from_plane(plane_at(tiff, planes, page, label, max_pixels), name, wanted)
    picture = read_frame(file, tiff, series, index, label, name, wanted, max_pixels)
    assert picture.layout is not None
    return replace(picture, layout=replace(picture.layout, page=page, pages=len(planes)))


def _from_plane(plane: Plane, name: str, wanted: Range | str | None) -> Picture:
    fields = {"format": "TIFF", "icc": plane.icc, "layout": plane.layout}
    picture = from_numbers(plane.numbers, plane.alpha, name, wanted, **fields)
    return _inverted(picture) if plane.white_is_zero else picture


def _inverted(picture: Picture) -> Picture:
    """A picture whose file calls white 0: the range turns round, so that white is 1 and comes back as 0."""
    low, high = (0.0, 255.0) if picture.stored is None else picture.stored.range
    stored = Stored(picture.numbers(), Range(high, low))
    return replace(picture, stored=stored, values=stored.range.unit(stored.numbers))
