"""Whole stacks: every plane of a TIFF, and a file whose planes lie as they lay and that says the same of itself."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile, TiffPageSeries, TiffWriter

from ..arguments import typed
from ..files import atomic_path
from ..files.temporary import explained, temporary_file
from ..types import ConfigError, ShapeError
from .opening import MAX_PIXELS, named_errors, opened_file
from .picture import SAID, Picture
from .planes import plane_picture
from .ranges import Percentiles, RangeLike, parse_range
from .save import TIFFS, with_alpha
from .tiff import STRUCTURE_OF_IMAGEJ, is_sideways, opened_tiff, options_of, physical_sizes, planes_of
from .tiff_frames import axes_of, frame_options, has_frames

# Bytes of numbers that a classic TIFF holds: places in it have 32 bits, and the rest is for its pages.
CLASSIC = 2**32 - 2**25
PLANE = "CSYX"  # the axes of one plane; all others are counted through


def count_planes(path: Path) -> int:
    """How many planes a file holds: 1 unless it is a TIFF. Raises UnreadableFileError."""
    if path.suffix.lower() not in TIFFS:
        return 1
    with opened_file(path) as file, named_errors(str(path)), opened_tiff(file, str(path)) as tiff:
        return len(planes_of(tiff))


@typed
def read_planes(
    path: str | Path,
    *,
    max_pixels: int = MAX_PIXELS,
    range: RangeLike = None,  # noqa: A002
) -> Iterator[Picture]:
    """Every plane of a TIFF in the order of its numbers, one at a time, each as ``read_image`` reads it.

    ``layout.page`` is a picture's number. Raises as ``read_image`` does.
    """
    path, wanted = Path(path), parse_range(range)
    if isinstance(wanted, Percentiles):
        raise ConfigError(f"range={range!r} has to be measured over a series first: measure_range does that.")
    label = str(path)
    with opened_file(path) as file, opened_file(path) as again:
        with named_errors(label):
            tiff = opened_tiff(file, label)
            planes = planes_of(tiff)
        for page in np.arange(len(planes)):
            with named_errors(label):
                picture = plane_picture(tiff, planes, int(page), again, label, path.name, wanted, max_pixels)
            yield picture


@dataclass
class _Series:
    """Planes of one shape: their axes, those counted through among them, and how they are written."""

    axes: str
    shape: tuple[int, ...]
    options: dict[str, Any]
    numbers: np.ndarray[Any, Any] | None = None

    @property
    def counts(self) -> list[int]:
        return [size for axis, size in zip(self.axes, self.shape, strict=True) if axis not in PLANE]

    def put(self, index: int, picture: Picture) -> None:
        """A plane at its place; all planes wait together in a file without a name."""
        plane = with_alpha(picture)
        inner = [axis for axis in self.axes if axis in PLANE]
        order = [axis for axis in PLANE if axis in inner]
        sizes = dict(zip(self.axes, self.shape, strict=True)) | {"Y": plane.shape[-2], "X": plane.shape[-1]}
        channels = math.prod(sizes[axis] for axis in order if axis in "CS")
        if len(plane) != channels:
            raise ConfigError(
                f"{picture.name}: its planes have {channels} channels, and the translation {len(plane)}: a stack keeps"
                " its channels (leave out color=True)."
            )
        if self.numbers is None:
            shape = tuple(sizes[axis] for axis in self.axes)
            with temporary_file() as file:  # the map keeps it
                with explained():
                    _reserve(file.fileno(), math.prod(shape) * plane.dtype.itemsize)
                self.numbers = np.memmap(file, plane.dtype, "w+", shape=shape)
            self.options |= {"iccprofile": picture.icc} if picture.icc else {}
            self.options |= {"extrasamples": ["unassalpha"]} if picture.alpha is not None else {}
        place = iter(np.unravel_index(index, self.counts) if self.counts else ())
        key = tuple(slice(None) if axis in PLANE else int(next(place)) for axis in self.axes)
        values = plane.reshape([sizes[axis] for axis in order]).transpose([order.index(axis) for axis in inner])
        if self.numbers[key].shape != values.shape:
            raise ShapeError(f"{picture.name}: its planes turn to different sizes: translate them one by one (page=N).")
        self.numbers[key] = values


class StackWriter:
    """Takes the translated planes of ``source`` in any order, and writes them in its axes when all are there.

    ``metadata=False`` leaves out what the source says beside its axes and resolution.
    """

    def __init__(self, source: Path, *, metadata: bool = True) -> None:
        label = str(source)
        with opened_file(source) as file, named_errors(label), opened_tiff(file, label) as tiff:
            self._series = [_series(tiff, each) for each in tiff.series]
            numbers = {id(series): number for number, series in enumerate(tiff.series)}
            self._places = [(numbers[id(series)], index) for series, index in planes_of(tiff)]
            ome = tiff.is_ome and bool(tiff.ome_metadata)
            self._file: dict[str, Any] = {"bigtiff": tiff.is_bigtiff, "imagej": tiff.is_imagej, "ome": ome}
            if ome and metadata and _in_order(tiff) and not any(map(has_frames, tiff.series)):
                self._keep_description(tiff.ome_metadata or "")
        if not metadata:
            for series in self._series:
                series.options = {key: value for key, value in series.options.items() if key not in SAID}
        self._missing = set(range(len(self._places)))

    def _keep_description(self, text: str) -> None:
        """OME's description word for word: the new file's pages are those that it speaks of."""
        self._file["ome"] = False
        for series in self._series:
            series.options["metadata"] = None
        self._series[0].options["description"] = text.encode()

    def add(self, picture: Picture) -> bool:
        """Keep a plane, whose number is ``picture.layout.page``; whether it was the last one."""
        assert picture.layout is not None
        series, index = self._places[picture.layout.page]
        self._series[series].put(index, picture)
        self._missing.discard(picture.layout.page)
        return not self._missing

    def write(self, path: Path, *, force: bool = False) -> Path:
        """The file, whole or not at all."""
        check_stack_format(path, len(self._places))
        size = sum(0 if series.numbers is None else series.numbers.nbytes for series in self._series)
        if size > CLASSIC and not self._file["imagej"]:  # which has a way of its own to hold more
            self._file["bigtiff"] = True
        with atomic_path(path, force=force) as temporary, TiffWriter(temporary, **self._file) as tiff:
            for series in self._series:
                tiff.write(series.numbers, **series.options)
        return path


def check_stack_format(path: Path, planes: int) -> None:
    """Raise ConfigError for a name that is not one of a TIFF."""
    if path.suffix.lower() not in TIFFS:
        raise ConfigError(f"{path}: a stack of {planes} planes is written as .tif alone.")


def _reserve(descriptor: int, size: int) -> None:
    """Take the room on the disk: without, a process that writes to a map of a full disk is killed."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except AttributeError:
        pass  # not on this system
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # some file systems cannot
            raise


def _in_order(tiff: TiffFile) -> bool:
    """Whether the file holds the pages of its series, no others, as and in the order that they are written again."""
    pages = [page.index if page is not None else -1 for series in tiff.series for page in series.pages]
    if any(is_sideways(series.keyframe) for series in tiff.series):
        return False
    return pages == list(range(len(tiff.pages))) and "FileName" not in (tiff.ome_metadata or "")


def _series(tiff: TiffFile, series: TiffPageSeries) -> _Series:
    if not has_frames(series):
        options = options_of(tiff, series.keyframe, series.axes)
        return _Series(series.axes, series.shape, _options(tiff, series, series.axes, options))
    axes, shape = axes_of(series)
    return _Series(axes, shape, _options(tiff, series, axes, frame_options(tiff, series)))


def _options(tiff: TiffFile, series: TiffPageSeries, axes: str, options: dict[str, Any]) -> dict[str, Any]:
    """tifffile's options for planes like these, which say their axes and what else the file says of them."""
    options.pop("bigtiff")
    said: dict[str, Any] = {"axes": axes}
    if tiff.is_imagej and tiff.imagej_metadata is not None:
        left_out = STRUCTURE_OF_IMAGEJ - {"Labels"}
        said |= {key: value for key, value in tiff.imagej_metadata.items() if key not in left_out}
    elif tiff.is_ome and tiff.ome_metadata:
        said |= physical_sizes(tiff.ome_metadata, series.keyframe)
    elif series.kind != "shaped":
        description = series.keyframe.description
        return options | {"metadata": None} | ({"description": description.encode()} if description else {})
    return options | {"metadata": said}
