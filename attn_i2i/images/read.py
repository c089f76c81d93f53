"""Pictures in: files, PIL images, arrays and tensors become one kind of value."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from PIL import Image
from torch import Tensor

from ..arguments import typed
from ..types import ConfigError, ShapeError, UnreadableFileError
from .decode import beside, from_numbers, from_pil, turned
from .deep_png import is_deep, read_deep
from .foreign import RAW_SUFFIXES, foreign
from .formats import is_heic
from .heif import read_heif
from .metadata import ORIENTATION
from .opening import MAX_PIXELS, TooMuchError, check_size, named_errors, open_image, opened_file
from .picture import Picture, PictureWarning
from .ranges import Percentiles, Range, RangeLike, parse_range
from .values import unit_range

ImageSource: TypeAlias = "str | Path | bytes | IO[bytes] | Image.Image | np.ndarray[Any, Any] | Tensor"

NPY, TIFF = b"\x93NUMPY", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_CHANNELS = 1024  # more are a picture whose axes are in another order


@typed
def read_image(
    source: ImageSource,
    *,
    max_pixels: int = MAX_PIXELS,
    range: RangeLike = None,  # noqa: A002
    page: int | None = None,
) -> Picture:
    """Read a picture, upright, with the channels and the depth that it has.

    ``source`` is a path, an open file, the bytes of a file, or a PIL image. It may also be an array (H, W[, C]) of any
    type, or a float tensor ([1,] C, H, W) in [0, 1]. Four channels are RGBA if they are floats of a tensor, or 8 or 16
    bits without a sign. ``range`` says which stored values stand for 0 and 1: two numbers, or "dtype" for all that the
    type can hold. It may be left out for integers of up to 16 bits, whose range is then "dtype", and for floats in [0,
    1]. ``page`` is a plane of a TIFF, or a frame of an animation, counted from 0. Without it the first is read, and a
    warning says so if there are more. Only regular files are read. Raises UnreadableFileError, ShapeError or
    ConfigError, each naming the source.
    """
    wanted = parse_range(range)
    if isinstance(wanted, Percentiles):
        raise ConfigError(f"range={range!r} has to be measured over a series first: measure_range does that.")
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        with named_errors("image"):
            return from_array(source.copy(), "image", wanted)
    reader = _Reader(max_pixels, wanted, page)
    if isinstance(source, Image.Image):
        return reader.pil(source)
    if isinstance(source, str | Path):
        path = Path(source)
        if path.suffix.lower() in RAW_SUFFIXES:  # some are TIFFs that hold a small preview
            raise UnreadableFileError(f"{path} is {foreign(path)}.")
        with opened_file(path) as file:
            return reader.stream(file, str(path), path.name)
    if isinstance(source, bytes | bytearray | memoryview):
        return reader.stream(io.BytesIO(source), "image", "image")
    if callable(getattr(source, "read", None)):
        return reader.open_file(source)
    raise ConfigError(
        f"A {type(source).__name__} is no picture: give a path, bytes, an open file, a PIL image, an array or a float"
        " tensor."
    )


def read_stream(
    file: IO[bytes],
    label: str,
    name: str = "image",
    max_pixels: int = MAX_PIXELS,
    page: int | None = None,
    range: Range | str | None = None,  # noqa: A002
) -> Picture:
    """The picture in a seekable stream; ``label`` is what errors call it, ``name`` what the picture is called."""
    return _Reader(max_pixels, range, page).stream(file, label, name)


def read_npy_header(file: IO[bytes], label: str, max_pixels: int | None = None) -> tuple[tuple[int, ...], Any]:
    """Shape and type of an NPY file's array, which has to be a picture; the stream stands behind the header then."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise UnreadableFileError(f"{label} is of the NPY format {version}: save it anew with numpy.save.")
    shape, _, dtype = read_header[version](file)
    _check_array(shape, dtype, max_pixels, label)
    return shape, dtype


class _Reader:
    """Reads one picture under the caller's limits and wishes."""

    def __init__(self, max_pixels: int, wanted: Range | str | None, page: int | None) -> None:
        self.max_pixels, self.wanted, self.page = max_pixels, wanted, page

    def open_file(self, file: IO[bytes]) -> Picture:
        """A picture from a file that the caller opened for reading bytes; it is read whole and stays open."""
        name = getattr(file, "name", None)
        label = name if isinstance(name, str) else "image"
        content = file.read()
        if not isinstance(content, bytes):
            raise ConfigError(f"{label} is open for reading text: open it for bytes (mode 'rb').")
        return self.stream(io.BytesIO(content), label, Path(label).name)

    def pil(self, image: Image.Image) -> Picture:
        """A PIL image; one that is not loaded yet, and would lose depth, is read from its file."""
        name = Path(getattr(image, "filename", "") or "image").name
        with named_errors(name):
            check_size(image.size, name, self.max_pixels)
            file = getattr(image, "fp", None)
            if file is not None and getattr(image, "tile", None) and (is_deep(image) or image.format == "TIFF"):
                file.seek(0)
                return self.stream(io.BytesIO(file.read()), name, name)
            return self._image(image, name, name)

    def stream(self, file: IO[bytes], label: str, name: str) -> Picture:
        """A picture file of any format, found out by its first bytes."""
        with named_errors(label):
            head = file.read(16)
            file.seek(0)
            if head.startswith(NPY):
                return self._npy(file, label, name)
            if head.startswith(TIFF):
                return self._tiff(file, label, name)
            if is_heic(head):
                return self._heic(file, label, name)
            with open_image(file, label, self.max_pixels) as image:
                if is_deep(image):
                    return self._deep_png(image, file, name)
                return self._image(image, label, name)

    def _image(self, image: Image.Image, label: str, name: str) -> Picture:
        animated = image.format != "MPO" and getattr(image, "is_animated", False)
        if self.page is not None:
            self._seek(image)
        image.load()
        if animated and self.page is None:
            warnings.warn(f"{label} has several frames: only the first is read.", PictureWarning, stacklevel=4)
        return from_pil(image, name, self.wanted)

    def _seek(self, image: Image.Image) -> None:
        try:
            image.seek(self.page or 0)
        except EOFError as error:
            frames = getattr(image, "n_frames", 1)
            there = "is only 1 page" if frames == 1 else f"are {frames} pages"
            raise ConfigError(f"page={self.page} was given, but there {there}, counted from 0.") from error

    def _deep_png(self, image: Image.Image, file: IO[bytes], name: str) -> Picture:
        numbers = read_deep(image, file)  # first: to be asked for EXIF loads a PNG
        numbers = turned(numbers, image.getexif().get(ORIENTATION, 1))
        colours = 3 if len(numbers) > 2 else 1
        alpha = numbers[colours:] if len(numbers) > colours else None
        clear = image.info.get("transparency")
        if isinstance(clear, tuple):
            alpha = (numbers != np.array(clear, np.uint16)[:, None, None]).any(0, keepdims=True)
        return from_numbers(numbers[:colours], alpha, name, self.wanted, **beside(image, colours))

    def _tiff(self, file: IO[bytes], label: str, name: str) -> Picture:
        from . import planes, tiff  # late: tifffile takes a moment to import

        if self.page is None:
            try:
                image = open_image(file, label, self.max_pixels)
            except TooMuchError:
                raise
            except UnreadableFileError:
                pass  # tifffile may know this kind of TIFF
            else:
                if tiff.is_plain(image):
                    with image:
                        return self._image(image, label, name)
        picture = planes.read_page(file, label, name, self.page, self.wanted, self.max_pixels)
        if self.page is None and picture.layout is not None and picture.layout.pages > 1:
            message = f"{label} has {picture.layout.pages} pages: only the first is read (page=0)."
            warnings.warn(message, PictureWarning, stacklevel=4)
        return picture

    def _heic(self, file: IO[bytes], label: str, name: str) -> Picture:
        photo = read_heif(file, label, self.max_pixels)
        fields = {"format": "HEIF", "icc": photo.icc, "metadata": photo.metadata}
        return from_numbers(photo.numbers, photo.alpha, name, self.wanted, **fields)

    def _npy(self, file: IO[bytes], label: str, name: str) -> Picture:
        read_npy_header(file, label, self.max_pixels)
        file.seek(0)
        return replace(from_array(np.lib.format.read_array(file, allow_pickle=False), name, self.wanted), format="NPY")


def from_array(array: np.ndarray[Any, Any], name: str, wanted: Range | str | None) -> Picture:
    """A picture of an array (H, W[, C]); four channels of 8 or 16 bits without a sign are RGBA."""
    _check_array(array.shape, array.dtype, None, name)
    numbers = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    alpha = numbers[3:] if len(numbers) == 4 and array.dtype in (np.uint8, np.uint16) else None
    return from_numbers(numbers[:3] if alpha is not None else numbers, alpha, name, wanted)


def _check_array(shape: tuple[int, ...], dtype: np.dtype[Any], max_pixels: int | None, label: str) -> None:
    if dtype.kind not in "biuf":
        raise ConfigError(f"{label}: an array of {dtype} is no picture: give integers or floats, (H, W[, C]).")
    if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] > MOST_CHANNELS):
        raise ShapeError(f"{label}: an array of shape {shape} is no picture: expected (H, W) or (H, W, C).")
    if max_pixels is not None:
        check_size((shape[1], shape[0]), label, max_pixels)


def _from_tensor(tensor: Tensor) -> Picture:
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or 0 in shape or len(tensor) > MOST_CHANNELS:
        raise ShapeError(f"A tensor of shape {shape} is no picture: expected (C, H, W).")
    values = unit_range(tensor, "picture")
    alpha = values[3:] if len(values) == 4 else None
    return Picture((values[:3] if alpha is not None else values).contiguous(), alpha)
