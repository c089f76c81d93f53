"""Pictures in: files, PIL images, arrays and tensors become one kind of value."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ..types import AttnI2IError, ConfigError, ShapeError, UnreadableFileError
from .write import to_pil

ImageSource: TypeAlias = "str | Path | Image.Image | np.ndarray[Any, Any] | Tensor"

MAX_PIXELS = 100_000_000
_PILLOW_LIMIT = Lock()
# Only these: Pillow would hand other files to a parser few people test, or (EPS) to an interpreter.
READABLE = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".mpo",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k"),
}
SUFFIXES = frozenset(suffix for suffixes in READABLE.values() for suffix in suffixes)
SNIFFED = {
    b"version https://git-lfs": "a Git LFS pointer, not the picture: run `git lfs pull`",
    b"<!doctype html": "a web page: download the picture itself",
    b"<html": "a web page: download the picture itself",
    b"<svg": "an SVG drawing: export it as PNG first",
    b"%!ps": "a PostScript file: export it as PNG first",
    b"%pdf": "a PDF: export the page as PNG first",
}
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
    """Read a path, PIL image, uint8 array (H, W[, C]) or float tensor ([1,] C, H, W) in [0, 1], upright and as RGB.

    16-bit greyscale keeps its precision; ``I`` is taken as 16-bit (32-bit where a value exceeds that), ``F`` as
    [0, 1], or [0, 255], or [0, 65535], whichever is the first to hold its values. Animations give their first frame.
    Raises UnreadableFileError, ShapeError or ConfigError, each naming the source.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _from_pil(_array_image(source), "image")
    if isinstance(source, Image.Image):
        name = Path(getattr(source, "filename", "") or "image").name
        return _decode(source, name, name, max_pixels)
    if isinstance(source, str | Path):
        return _read_file(Path(source), max_pixels)
    raise ConfigError(f"A {type(source).__name__} is no picture: give a path, PIL image, uint8 array or float tensor.")


def _read_file(path: Path, max_pixels: int) -> Picture:
    if path.is_dir():
        raise UnreadableFileError(f"{path} is a folder: give a picture file.")
    try:
        with path.open("rb") as file, _pillow_allowing(max_pixels):
            head = file.read(64)
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                warnings.simplefilter("ignore", UserWarning)
                image = Image.open(file, formats=[name for name in READABLE if _supported(name)])
            with image:
                return _decode(image, str(path), path.name, max_pixels)
    except AttnI2IError:
        raise
    except FileNotFoundError:
        raise UnreadableFileError(f"{path}: no such file.") from None
    except UnidentifiedImageError:
        raise UnreadableFileError(f"{path} is {_looks_like(head)}.") from None
    except Image.DecompressionBombError as error:
        advice = "Reduce it, or raise the limit (max_pixels)."
        raise UnreadableFileError(f"{path} was refused: {error} {advice}") from None
    except Exception as error:  # Pillow answers damaged files with nearly every exception there is
        raise UnreadableFileError(f"{path} cannot be read: {error or type(error).__name__}.") from error


@contextmanager
def _pillow_allowing(pixels: int) -> Iterator[None]:
    """Lift Pillow's own limit, a global, where ``pixels`` may exceed it; such reads go one at a time."""
    if pixels <= MAX_PIXELS:
        yield
        return
    with _PILLOW_LIMIT:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = before and max(before, pixels)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _supported(format_name: str) -> bool:
    if format_name not in Image.OPEN:
        Image.init()
    return format_name in Image.OPEN


def _looks_like(head: bytes) -> str:
    if not head:
        return "empty"
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"mif1", b"hevc"}:
        return "a HEIC photo: export it as JPEG or PNG first"
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    known = [what for mark, what in SNIFFED.items() if start.startswith(mark)]
    return known[0] if known else f"no picture, or a damaged one: expected {', '.join(READABLE)}"


def _decode(image: Image.Image, label: str, name: str, max_pixels: int) -> Picture:
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise UnreadableFileError(
            f"{label} has {image.width}x{image.height} pixels, more than the limit of {max_pixels / 1e6:g} million:"
            " reduce it, or raise the limit (max_pixels)."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
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


def unit_range(tensor: Tensor, what: str) -> Tensor:
    """The float tensor as float32, detached; ConfigError unless its values lie in [0, 1]."""
    if not tensor.is_floating_point():
        raise ConfigError(f"A {what} of {tensor.dtype} is ambiguous: give a float tensor in [0, 1].")
    values = tensor.detach().float()
    low, high = values.min().item(), values.max().item()
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ConfigError(f"A {what} with values from {low:.3g} to {high:.3g} was given: expected [0, 1].")
    return values.clamp(0, 1)


def read_mask(source: ImageSource, size: tuple[int, int]) -> Tensor:
    """Read a mask as (1, H, W) in [0, 1]: 1 where a picture may change, exactly 0 where it must not.

    Pictures count by their brightness, times their alpha. Arrays and tensors are (H, W) or (1, H, W); bool, uint8
    or float. Raises ShapeError where the mask is not ``size`` (height, width).
    """
    if isinstance(source, np.ndarray | Tensor):
        mask = _mask_tensor(source) if isinstance(source, np.ndarray) else source
        mask = mask.float() if mask.dtype == torch.bool else mask.float() / 255 if mask.dtype == torch.uint8 else mask
        mask = mask[None] if mask.ndim == 2 else mask
    else:
        picture = read_image(source, max_pixels=max(MAX_PIXELS, size[0] * size[1]))
        mask = picture.rgb.mean(0, keepdim=True)
        mask = mask if picture.alpha is None else mask * picture.alpha
    if mask.shape != (1, *size):
        raise ShapeError(f"The mask's shape is {tuple(mask.shape)}: the picture needs (1, {size[0]}, {size[1]}).")
    return unit_range(mask, "mask")


def _mask_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """The array as a tensor that shares neither its strides nor its byte order."""
    if array.dtype.kind not in "bf" and array.dtype != np.uint8:
        raise ConfigError(f"A mask of {array.dtype} is ambiguous: give bool, uint8, or floats in [0, 1].")
    return torch.from_numpy(np.array(array, dtype=np.float32 if array.dtype.kind == "f" else array.dtype, order="C"))
