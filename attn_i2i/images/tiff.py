"""Scientific TIFF: any depth, channels and planes, through tifffile; what a file says of itself is written again."""

from __future__ import annotations

import contextlib
import math
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image
from tifffile import TiffFile, TiffFrame, TiffPage, TiffPageSeries

from ..types import UnreadableFileError
from .decode import turned
from .metadata import ORIENTATION
from .opening import TooMuchError, check_size
from .picture import TiffLayout

# What Pillow reads without loss, at most 8 bits a channel.
PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"})
BITS, DESCRIPTION, SAMPLE_FORMAT, SAMPLES, PLANAR = 258, 270, 339, 277, 284  # tags, and below values, of TIFF 6.0
NONE, DEFLATE = 1, (8, 32946)  # of COMPRESSION: both numbers are in use for deflate
GREY, RGB = (0, 1), 2  # of the tag PhotometricInterpretation: white or black is zero; colours
ALPHA = (1, 2)  # the extra samples that are transparency, associated or not
# Tags of the picture's making and of places on Earth, written again as they are.
DESCRIBING = (271, 272, 315, 33432, 33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 700)
STRUCTURE_OF_IMAGEJ = frozenset({"ImageJ", "images", "channels", "slices", "frames", "hyperstack", "mode", "Labels"})
PIXELS, SIZES = re.compile(r"<(?:\w+:)?Pixels\b[^>]*"), re.compile(r"\bSize[ZCT]\s*=\s*[\"'](\d{1,12})[\"']")
SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that make rows of columns
MOST_PLANES = 100_000  # tifffile lists them all before the first is read
MORE_CHANNELS = 4  # times the largest number of pixels allowed may a plane have numbers


class Plane(NamedTuple):
    """One plane of a file: ``numbers`` (C, H, W), ``alpha`` (1, H, W) or None, and whether 0 is white."""

    numbers: np.ndarray[Any, Any]
    alpha: np.ndarray[Any, Any] | None
    white_is_zero: bool
    icc: bytes | None
    layout: TiffLayout


def is_plain(image: Image.Image) -> bool:
    """Whether Pillow reads all of a TIFF: grey or colours in 8 bits, and no axes or units beside them."""
    tags = getattr(image, "tag_v2", {})
    description = str(tags.get(DESCRIPTION, ""))
    plain = image.mode in PLAIN_MODES and tags.get(SAMPLES, 1) == len(image.getbands()) and tags.get(PLANAR, 1) == 1
    numbers = set(tags.get(BITS, (1,))) <= {1, 2, 4, 8} and set(tags.get(SAMPLE_FORMAT, (1,))) <= {1}
    return plain and numbers and not description.startswith("ImageJ=") and "<OME " not in description[:2000]


def planes_of(tiff: TiffFile) -> list[tuple[TiffPageSeries, int]]:
    """Every plane of a file, one or more: its series, and its number among those of the series.

    A description may announce planes without end in a file of a few bytes, and a file that was cut loses its list of
    them. Raises TooMuchError and UnreadableFileError.
    """
    count = sum(map(_planes, tiff.series))
    if count == 0:
        raise UnreadableFileError("no picture is in this TIFF: it is damaged or cut short.")
    if count > MOST_PLANES:
        raise TooMuchError(f"{count} planes are announced: at most {MOST_PLANES} are read, so split the file.")
    return [(series, index) for series in tiff.series for index in range(_planes(series))]


def plane_at(tiff: TiffFile, planes: list[tuple[TiffPageSeries, int]], page: int, label: str, max_pixels: int) -> Plane:
    """The plane of that number, of those that ``planes_of`` found."""
    series, index = planes[page]
    keyframe = series.keyframe
    check_plane(series, keyframe, label, max_pixels)
    numbers, axes = _numbers(series, index, label)
    alpha = None
    if has_alpha(keyframe, axes, len(numbers)):
        numbers, alpha = numbers[:-1], numbers[-1:]
    turn = keyframe.tags.valueof(ORIENTATION, 1)
    numbers, alpha = turned(numbers, turn), None if alpha is None else turned(alpha, turn)
    options = options_of(tiff, keyframe, axes) | _description(tiff, keyframe, axes, len(planes), series)
    icc = keyframe.iccprofile if isinstance(keyframe.iccprofile, bytes) else None
    return Plane(numbers, alpha, int(keyframe.photometric) == 0, icc, TiffLayout(axes, options, page, len(planes)))


def read_header(file: IO[bytes], label: str) -> tuple[int, np.dtype[Any]]:
    """How many channels a plane has, without transparency, and the type of its numbers."""
    with opened_tiff(file, label) as tiff:
        series = tiff.series[0]
        sizes = dict(zip(series.axes, series.shape, strict=True))
        channels = math.prod(sizes.get(axis, 1) for axis in "CS")
        if has_alpha(series.keyframe, series.axes, channels):
            channels -= 1
        return channels, np.dtype(series.dtype).newbyteorder("=")


def has_alpha(keyframe: TiffPage, axes: str, channels: int) -> bool:
    clear = "S" in axes and any(int(kind) in ALPHA for kind in keyframe.extrasamples)
    return clear and channels == (4 if keyframe.photometric == RGB else 2)


def opened_tiff(file: IO[bytes], label: str) -> TiffFile:
    """The file, with the axes that OME names where they are its own and not beyond measure.

    An OME description may refer to other files, which nobody gave, and may announce planes without end.
    """
    file.seek(0)
    tiff = TiffFile(file)
    description = (tiff.ome_metadata or "") if tiff.is_ome else ""
    sizes = [math.prod(map(int, SIZES.findall(pixels))) for pixels in PIXELS.findall(description)]
    if sum(sizes) > MOST_PLANES:
        raise TooMuchError(f"{label} announces {sum(sizes)} planes: at most {MOST_PLANES} are read, so split the file.")
    if "FileName" in description:
        file.seek(0)
        return TiffFile(file, is_ome=False)
    return tiff


def _planes(series: TiffPageSeries) -> int:
    return math.prod(size for axis, size in zip(series.axes, series.shape, strict=True) if axis not in "CSYX")


def check_plane(series: TiffPageSeries, page: TiffPage, label: str, max_pixels: int, *, part: bool = False) -> None:
    """Refuse what is no picture, too large, or unknown here; of a ``part`` the size of the whole does not matter."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if not {"Y", "X"} <= sizes.keys() or 0 in series.shape:
        raise UnreadableFileError(f"{label} holds no picture: its axes are {series.axes}, expected Y and X among them.")
    if not part:
        check_size((sizes["X"], sizes["Y"]), label, max_pixels)
    numbers = math.prod(sizes.get(axis, 1) for axis in "CSYX")
    if numbers > MORE_CHANNELS * max_pixels:
        raise TooMuchError(f"{label} has {numbers / 1e6:.0f} million numbers a plane: raise the limit (max_pixels).")
    if getattr(series.dtype, "kind", "") not in ("i", "u", "f") or page.bitspersample not in (8, 16, 32, 64):
        what = f"{series.dtype} numbers of {page.bitspersample} bits"
        raise UnreadableFileError(f"{label} holds {what}: integers or floats of 8 to 64 bits are read.")
    if int(page.photometric) not in (*GREY, RGB):
        space = getattr(page.photometric, "name", page.photometric)
        raise UnreadableFileError(f"{label} is {space} in {page.bitspersample} bits: save it as grey or RGB.")
    if int(page.compression) not in (NONE, *DEFLATE) and not _has_codecs():
        name = getattr(page.compression, "name", page.compression)
        raise UnreadableFileError(f"{label} is compressed by {name}: pip install 'attn-i2i[tiff]' reads that.")


def _has_codecs() -> bool:
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        return False
    return True


def _numbers(series: TiffPageSeries, index: int, label: str) -> tuple[np.ndarray[Any, Any], str]:
    """(C, H, W) of one plane, in the machine's byte order, and the axes of the plane in the file."""
    inner = series.keyframe.ndim
    leading = series.axes[: len(series.axes) - inner]
    if len(series.pages) == math.prod(series.shape[: len(leading)]):
        plane, axes = _from_pages(series, leading, index, label)
    else:  # one page that stands for a stack that follows it in the file
        plane, axes = _picked(
            series.asarray(out="memmap") if series.dataoffset else series.asarray(), series.axes, index
        )
    order = [axes.index(axis) for axis in "CSYX" if axis in axes]
    plane = np.asarray(plane).transpose(order)
    plane = plane.reshape(-1, *plane.shape[-2:])
    return np.ascontiguousarray(plane.astype(plane.dtype.newbyteorder("="), copy=False)), axes


def _from_pages(series: TiffPageSeries, leading: str, index: int, label: str) -> tuple[np.ndarray[Any, Any], str]:
    shape = series.shape[: len(leading)]
    counts = [size for axis, size in zip(leading, shape, strict=True) if axis != "C"]
    within = math.prod(
        size
        for axis, size in zip(series.axes[len(leading) :], series.shape[len(leading) :], strict=True)
        if axis not in "CSYX"
    )
    place = list(np.unravel_index(index // within, counts)) if counts else []
    selected = [slice(None) if axis == "C" else int(place.pop(0)) for axis in leading]
    numbers = np.arange(len(series.pages)).reshape(shape)[tuple(selected)]
    parts = []
    for number in np.atleast_1d(numbers).ravel():
        page = existing(series, int(number), label)
        parts.append(_picked(_decoded(page, label), series.axes[len(leading) :], index % within))
    axes = parts[0][1]
    if "C" not in leading:
        return parts[0][0], axes
    return np.stack([part for part, _ in parts]), "C" + axes


def existing(series: TiffPageSeries, number: int, label: str) -> TiffPage | TiffFrame:
    """A page by its number in the series; UnreadableFileError where the file does not hold it."""
    page = series.pages[number]
    if page is None:
        raise UnreadableFileError(
            f"{label} lacks the page {number} that it announces: it is cut short, so copy it again."
        )
    return page


def _picked(numbers: np.ndarray[Any, Any], axes: str, index: int) -> tuple[np.ndarray[Any, Any], str]:
    """The plane of that index of an array whose other axes are counted through."""
    others = [place for place, axis in enumerate(axes) if axis not in "CSYX"]
    chosen = iter(np.unravel_index(index, [numbers.shape[place] for place in others]) if others else ())
    key = tuple(int(next(chosen)) if place in others else slice(None) for place in range(len(axes)))
    return numbers[key], "".join(axis for axis in axes if axis in "CSYX")


def _decoded(page: TiffPage | TiffFrame, label: str) -> np.ndarray[Any, Any]:
    """The page's numbers; without imagecodecs a deflated one is measured first, because zlib knows no limit."""
    if int(page.compression) in DEFLATE and not _has_codecs():
        for data, size in _segments(page):
            if len(zlib.decompressobj().decompress(data, size + 1)) > size:
                raise UnreadableFileError(f"{label} holds more data than its {page.shape} numbers take: it is damaged.")
    return page.asarray(maxworkers=1)


def _segments(page: TiffPage | TiffFrame) -> Iterator[tuple[bytes, int]]:
    """Compressed strips or tiles, and the most bytes that one may hold."""
    largest = math.prod(page.chunks) * page.dtype.itemsize  # type: ignore[union-attr]
    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        handle.seek(offset)
        yield handle.read(count), largest


def options_of(tiff: TiffFile, page: TiffPage, axes: str) -> dict[str, Any]:
    """tifffile's options for a file of such pages with the same tags; its description is another matter."""
    options: dict[str, Any] = {"photometric": int(page.photometric), "software": page.software or None}
    if "S" in axes:
        options["planarconfig"] = int(page.planarconfig)
    with contextlib.suppress(Exception):  # damaged numbers
        x, y = page.resolution
        if x > 0 and y > 0 and (x, y) != (1.0, 1.0):
            options |= {
                "resolution": (y, x) if is_sideways(page) else (x, y),
                "resolutionunit": int(page.resolutionunit),
            }
    if int(page.compression) != NONE:
        options["compression"] = "zlib"
    tags = [page.tags.get(code) for code in DESCRIBING]
    options["extratags"] = [(tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in tags if tag is not None]
    if datetime := page.tags.valueof(306):
        options["datetime"] = str(datetime)
    return options | {"bigtiff": tiff.is_bigtiff}


def _description(tiff: TiffFile, page: TiffPage, axes: str, planes: int, series: TiffPageSeries) -> dict[str, Any]:
    """What a file of this plane alone says of itself, as tifffile's options."""
    if tiff.is_imagej and tiff.imagej_metadata is not None:
        metadata = {key: value for key, value in tiff.imagej_metadata.items() if key not in STRUCTURE_OF_IMAGEJ}
        return {"imagej": True, "metadata": metadata | {"axes": axes}}
    if tiff.is_ome and tiff.ome_metadata:
        if planes == 1 and "FileName" not in tiff.ome_metadata and not is_sideways(page):
            return {"description": tiff.ome_metadata.encode(), "metadata": None}
        return {"ome": True, "metadata": {"axes": axes, **physical_sizes(tiff.ome_metadata, page, "XY")}}
    if series.kind == "shaped":
        return {"metadata": {}}
    description = page.description
    return {"metadata": None} | ({"description": description.encode()} if description else {})


def is_sideways(page: TiffPage) -> bool:
    """Whether upright pictures of a page have its columns as rows, which a description word for word denies."""
    return page.tags.valueof(ORIENTATION, 1) in SIDEWAYS


def physical_sizes(ome: str, page: TiffPage, axes: str = "XYZ") -> dict[str, Any]:
    """How large OME says that a pixel of an upright picture is along these axes, as tifffile's metadata."""
    sizes = dict(re.findall(rf'\b(PhysicalSize[{axes}](?:Unit)?)="([^"]*)"', ome))
    if is_sideways(page):
        sizes = {re.sub(r"(?<=Size)[XY]", lambda axis: {"X": "Y", "Y": "X"}[axis[0]], key): sizes[key] for key in sizes}
    return {key: value if key.endswith("Unit") else float(value) for key, value in sizes.items()}
