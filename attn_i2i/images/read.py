"""Pictures in: files, PIL images, arrays and tensors become one kind of value."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..types import AttnI2IError, ConfigError, ShapeError, UnreadableFileError
from .opening import MAX_PIXELS, check_size, open_image, opened_file
from .values import unit_range
from .write import to_pil

ImageSource: TypeAlias = "str | Path | bytes | IO[bytes] | Image.Image | np.ndarray[Any, Any] | Tensor"

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureWarning(UserWarning):
    """Part of a file was left out, such as the later frames of an animation."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: ``rgb`` is (3, H, W) float32 in [0, 1], ``alpha`` (1, H, W) in [0, 1] or None.

    ``format`` is Pillow's name of the file format, ``icc`` the colour profile that ``rgb`` is meant in.
    """

    rgb: Tensor
    alpha: Tensor | None = None
    name: str = "image"
    format: str | None = None
    icc: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.rgb.shape[-2], self.rgb.shape[-1]

    def pil(self) -> Image.Image:
        """The picture as 8-bit RGB, or RGBA where it has transparency."""
        return to_pil(self.rgb, self.alpha)


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a picture, upright and as RGB.

    ``source`` is a path, the bytes of a file or an open one, a PIL image, a uint8 array (H, W[, C]) or a float tensor
    ([1,] C, H, W) in [0, 1]. Animations give their first frame. Only regular files are read.
    Raises UnreadableFileError, ShapeError or ConfigError, each naming the source.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _from_pil(_array_image(source), "image")
    if isinstance(source, Image.Image):
        name = Path(getattr(source, "filename", "") or "image").name
        check_size(source.size, name, max_pixels)
        return _decode(source, name, name)
    if isinstance(source, str | Path):
        path = Path(source)
        with opened_file(path) as file:
            return read_stream(file, str(path), path.name, max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return read_stream(io.BytesIO(source), "image", max_pixels=max_pixels)
    if callable(getattr(source, "read", None)):
        return _from_open_file(source, max_pixels)
    raise ConfigError(
        f"A {type(source).__name__} is no picture: give a path, bytes, an open file, a PIL image, a uint8 array or a"
        " float tensor."
    )


def _from_open_file(file: IO[bytes], max_pixels: int) -> Picture:
    """A picture from a file that the caller opened for reading bytes; it is read whole and stays open."""
    name = getattr(file, "name", None)
    label = name if isinstance(name, str) else "image"
    content = file.read()
    if not isinstance(content, bytes):
        raise ConfigError(f"{label} is open for reading text: open it for bytes (mode 'rb').")
    return read_stream(io.BytesIO(content), label, Path(label).name, max_pixels)


def read_stream(file: IO[bytes], label: str, name: str = "image", max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a seekable stream; ``label`` is what errors call it, ``name`` what the picture is called."""
    try:
        with open_image(file, label, max_pixels) as image:
            return _decode(image, label, name)
    except AttnI2IError:
        raise
    except Exception as error:  # Pillow answers damaged files with nearly every exception there is
        raise UnreadableFileError(f"{label} cannot be read: {error or type(error).__name__}.") from error


def _decode(image: Image.Image, label: str, name: str) -> Picture:
    try:
        animated = image.format != "MPO" and getattr(image, "is_animated", False)
        image.load()
        picture = _from_pil(_upright(image), name)
    except AttnI2IError as error:
        raise type(error)(f"{label}: {error}") from error
    except Exception as error:  # as above: damage shows in any form
        raise UnreadableFileError(f"{label} is damaged or cut short: {error or type(error).__name__}.") from error
    if animated:
        warnings.warn(f"{label} has several frames: only the first is read.", PictureWarning, stacklevel=4)
    return picture


def _upright(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(image.getexif().get(0x0112, 1))
    return image if turn is None else image.transpose(turn)


def _from_pil(image: Image.Image, name: str) -> Picture:
    icc = image.info.get("icc_profile")
    icc = icc if isinstance(icc, bytes) and icc[16:20] == b"RGB " else None
    alpha = None
    if image.mode == "F" or image.mode.startswith("I"):
        grey = _grey(image)
        if isinstance(image.info.get("transparency"), int):
            alpha = torch.from_numpy(np.asarray(image) != image.info["transparency"]).float()[None]
        return Picture(grey.expand(3, -1, -1).contiguous(), alpha, name, image.format)
    if image.has_transparency_data:
        image, original = image.convert("RGBA"), image
        alpha = _unit(np.array(image)[..., 3:])
        return Picture(_unit(np.array(image)[..., :3]), alpha, name, original.format, icc)
    return Picture(_unit(np.array(image.convert("RGB"))), alpha, name, image.format, icc)


def _unit(pixels: np.ndarray[Any, Any]) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float().div_(255)


def _grey(image: Image.Image) -> Tensor:
    """(1, H, W) in [0, 1] from an integer or float greyscale image of more than 8 bits."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise UnreadableFileError("it holds pixels that are not numbers (NaN or infinity).")
    top = float(values.max(initial=0))
    if image.mode.startswith("I;16"):
        scale = 65535.0
    else:
        ranges = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0, 2.0**31 - 1)
        scale = next((limit for limit in ranges if top <= limit), top)
    return torch.from_numpy(np.divide(values, scale, dtype=np.float32)).clamp_(0, 1)[None]


def _array_image(array: np.ndarray[Any, Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise ConfigError(f"An array of {array.dtype} is ambiguous: give uint8 (H, W, C), or a float tensor (C, H, W).")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ShapeError(f"An array of shape {array.shape} is no picture: expected (H, W) or (H, W, C), C = 1, 3 or 4.")
    return Image.fromarray(np.ascontiguousarray(array))


def _from_tensor(tensor: Tensor) -> Picture:
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3, 4) or 0 in shape:
        raise ShapeError(f"A tensor of shape {shape} is no picture: expected (C, H, W) with C = 1, 3 or 4.")
    values = unit_range(tensor, "picture")
    rgb = values[:3] if len(values) > 1 else values.expand(3, -1, -1)
    return Picture(rgb.contiguous(), values[3:] if len(values) == 4 else None)
