"""A part of a TIFF's first plane, decoded without the rest of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np
from tifffile import TiffFrame, TiffPage

from ..types import UnreadableFileError
from .metadata import ORIENTATION
from .tiff import DEFLATE, RGB, check_plane, existing, has_alpha, opened_tiff


class PlanePart(NamedTuple):
    """A part of a plane: ``numbers`` (C, h, w) and ``alpha`` (1, h, w) or None."""

    numbers: np.ndarray[Any, Any]
    alpha: np.ndarray[Any, Any] | None


def read_part(file: IO[bytes], label: str, place: Callable[[int, int], tuple[slice, slice]]) -> PlanePart | None:
    """The rows and columns that ``place`` chooses of the first plane, given its height and width.

    None where it has to be read whole: turned by EXIF, white stored as 0, or of axes beyond those of its pages.
    """
    with opened_tiff(file, label) as tiff:
        series = tiff.series[0]
        page, sizes = series.keyframe, dict(zip(series.axes, series.shape, strict=True))
        leading = series.axes[: len(series.axes) - page.ndim]
        simple = len(series.pages) == math.prod(series.shape[: len(leading)]) and set(page.axes) <= set("SYX")
        turned_round = page.tags.valueof(ORIENTATION, 1) != 1 or int(page.photometric) not in (1, RGB)
        if not simple or turned_round or not {"Y", "X"} <= sizes.keys():
            return None
        rows, columns = place(sizes["Y"], sizes["X"])
        check_plane(series, page, label, max_pixels=2**62, part=True)
        count = sizes["C"] if "C" in leading else 1
        step = math.prod(n for axis, n in zip(leading, series.shape, strict=False) if axis not in "C")
        if "C" in leading and step > 1 and leading[-1] != "C":
            return None
        pages = [existing(series, number, label) for number in range(count)]
        numbers = np.concatenate([_cut(each, page, rows, columns, label) for each in pages])
        numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
        if has_alpha(page, series.axes, len(numbers)):
            return PlanePart(numbers[:-1], numbers[-1:])
        return PlanePart(numbers, None)


def _cut(
    page: TiffPage | TiffFrame, keyframe: TiffPage, rows: slice, columns: slice, label: str
) -> np.ndarray[Any, Any]:
    """(C, h, w) of one page: mapped where it lies bare in the file, else of the tiles or strips that it touches."""
    if page.is_memmappable:
        whole = page.asarray(out="memmap")
        axes = page.axes
        key = tuple(rows if axis == "Y" else columns if axis == "X" else slice(None) for axis in axes)
        part = np.array(whole[key])
        part = part.transpose([axes.index(axis) for axis in "SYX" if axis in axes])
        return part.reshape(-1, *part.shape[-2:])
    return _decoded_part(page, keyframe, rows, columns, label)


def _decoded_part(
    page: TiffPage | TiffFrame, keyframe: TiffPage, rows: slice, columns: slice, label: str
) -> np.ndarray[Any, Any]:
    separate, _, _, _, samples = keyframe.shaped
    shape = (separate, rows.stop - rows.start, columns.stop - columns.start, samples)
    result = np.full(shape, keyframe.nodata, keyframe.dtype)  # what tiles that are not in the file are taken to hold
    tables = {"jpegtables": keyframe.jpegtables} if keyframe.jpegtables is not None else {}
    largest = math.prod(keyframe.chunks) * keyframe.dtype.itemsize  # type: ignore[union-attr]
    handle = page.parent.filehandle
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        _, (plane, _, top, left, _), shape = keyframe.decode(None, index)
        height, width = shape[1], shape[2]
        above, below = max(top, rows.start), min(top + height, rows.stop)
        before, behind = max(left, columns.start), min(left + width, columns.stop)
        if above >= below or before >= behind or not count:
            continue
        handle.seek(offset)
        data = handle.read(count)
        if int(keyframe.compression) in DEFLATE and len(zlib.decompressobj().decompress(data, largest + 1)) > largest:
            raise UnreadableFileError(f"{label} holds more data than its {page.shape} numbers take: it is damaged.")
        segment = keyframe.decode(data, index, **tables)[0]
        if segment is not None:
            inner = segment[0, above - top : below - top, before - left : behind - left]
            target = result[
                plane, above - rows.start : below - rows.start, before - columns.start : behind - columns.start
            ]
            target[...] = inner
    return result.transpose(0, 3, 1, 2).reshape(-1, *result.shape[1:3])
