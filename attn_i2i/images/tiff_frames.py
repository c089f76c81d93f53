"""Planes of a TIFF that Pillow decodes: palettes, few bits a number, and colours such as CMYK. They become RGB or grey.

They come in 8 bits, and their file is written again so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import IO, Any

from tifffile import TiffFile, TiffPageSeries

from ..types import UnreadableFileError
from .decode import from_pil
from .opening import check_size, open_image
from .picture import Picture, TiffLayout
from .ranges import Range
from .tiff import GREY, RGB, existing, is_plain, options_of

# Bits a number that Pillow reads of each colour space: palettes, CMYK (SEPARATED), YCbCr, and grey of few bits.
BITS = {0: (1, 2, 4), 1: (1, 2, 4), 3: (1, 2, 4, 8), 5: (8,), 6: (8,)}


def has_frames(series: TiffPageSeries) -> bool:
    """Whether the planes of a series are pages of a kind that is left to Pillow."""
    keyframe = series.keyframe
    counted = series.axes[: len(series.axes) - keyframe.ndim]
    alone = keyframe.bitspersample in BITS.get(int(keyframe.photometric), ())
    return alone and not set(counted) & set("CSYX") and set(keyframe.axes) <= set("YXS")


def axes_of(series: TiffPageSeries) -> tuple[str, tuple[int, ...]]:
    """Axes and shape of such a series as it is written again."""
    sizes = {axis: size for axis, size in zip(series.axes, series.shape, strict=True) if axis != "S"}
    if not _is_grey(series):
        sizes["S"] = 3
    return "".join(sizes), tuple(sizes.values())


def frame_options(tiff: TiffFile, series: TiffPageSeries) -> dict[str, Any]:
    """tifffile's options for such planes: what the file says of them, but for how their numbers lay."""
    options = options_of(tiff, series.keyframe, axes_of(series)[0])
    return options | ({"photometric": 1} if _is_grey(series) else {"photometric": RGB, "planarconfig": 1})


def read_frame(
    file: IO[bytes],
    tiff: TiffFile,
    series: TiffPageSeries,
    index: int,
    label: str,
    name: str,
    wanted: Range | str | None,
    max_pixels: int,
) -> Picture:
    """The plane of that index in its series; its layout does not say yet which plane of the file it is.

    Libraries under Pillow move ``file``: whoever reads on by ``tiff`` gives another handle of the same file. Raises
    UnreadableFileError for what Pillow does not read either.
    """
    keyframe, page = series.keyframe, existing(series, index, label)
    description = keyframe.description
    options = frame_options(tiff, series) | {"metadata": None}
    options |= {"description": description.encode()} if description else {}
    file.seek(0)
    image = open_image(file, label, max_pixels)
    image.seek(page.index)
    check_size(image.size, label, max_pixels)
    if not is_plain(image):
        space = getattr(keyframe.photometric, "name", keyframe.photometric)
        raise UnreadableFileError(f"{label} is {space} in {keyframe.bitspersample} bits: save it as grey or RGB.")
    image.load()
    picture = from_pil(image, name, wanted)
    return replace(picture, layout=TiffLayout("YX" if _is_grey(series) else "YXS", options))


def _is_grey(series: TiffPageSeries) -> bool:
    return int(series.keyframe.photometric) in GREY and series.keyframe.samplesperpixel == 1
