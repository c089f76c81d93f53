"""Masks in: where a picture may change, from pictures, arrays and tensors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import typed
from ..types import ConfigError, ShapeError
from .opening import MAX_PIXELS
from .picture import PictureWarning
from .ranges import DTYPE
from .read import ImageSource, read_image
from .values import unit_range

FAINT = 1 / 16  # of the largest number: below it a mask is of labels or of fewer bits sooner than of a picture
MOST_COLOUR = 0.1  # between two channels: JPEG leaves less in grey, and heatmaps, labels and photographs have more
LEAST_ROUNDED = 4  # pixels of a shorter side that may be rounded when it is scaled: by an eighth at most


@typed
def read_mask(
    source: ImageSource, size: tuple[int, int], *, scale: bool = False, max_pixels: int = MAX_PIXELS
) -> Tensor:
    """Read a mask as (1, H, W) in [0, 1]: 1 where a picture may change, exactly 0 where it must not.

    Pictures are shades of grey, and count by their brightness, times their alpha. Arrays and tensors are (H, W) or
    (1, H, W); bool, uint8 or float. Colours, and 0 and 1 in more than one bit, are refused; a mask whose largest number
    is small is warned of. Raises ShapeError where the mask is not ``size``
    (height, width); with ``scale`` only where its aspect is another one. A file of more than ``max_pixels``, and than
    the size has, raises UnreadableFileError.
    """
    mask = _values(source, max(max_pixels, size[0] * size[1]))
    if mask.ndim != 3 or len(mask) != 1 or 0 in mask.shape:
        raise ShapeError(f"A mask of shape {tuple(mask.shape)} was given: expected (H, W) or (1, H, W).")
    if mask.shape[1:] != size:
        if not (scale and _same_aspect(mask.shape[1:], size)):
            have, wanted = f"{mask.shape[2]}x{mask.shape[1]}", f"{size[1]}x{size[0]}"
            raise ShapeError(f"The mask is {have} and the picture {wanted} pixels (width x height): give one as large.")
        mask = _scaled(unit_range(mask, "mask"), size)
    return unit_range(mask, "mask")


def _values(source: ImageSource, max_pixels: int) -> Tensor:
    if isinstance(source, np.ndarray | Tensor):
        mask = _mask_tensor(source) if isinstance(source, np.ndarray) else source
        if mask.dtype == torch.uint8 and mask.numel():
            _check_largest("The mask", int(mask.max()), 255)
        mask = mask.float() if mask.dtype == torch.bool else mask.float() / 255 if mask.dtype == torch.uint8 else mask
        return mask[None] if mask.ndim == 2 else mask
    picture = read_image(source, max_pixels=max_pixels, range=DTYPE)
    if picture.dtype.kind == "i" or (picture.dtype.kind == "u" and picture.dtype.itemsize > 2):
        raise ConfigError(
            f"The mask {picture.name} holds {picture.dtype} numbers, which is ambiguous: save it in 8 or 16 bits"
            " without a sign, or as floats in [0, 1]."
        )
    unit_range(picture.values, f"mask ({picture.name})")
    top = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 0
    if top:
        _check_largest(f"The mask {picture.name}", round(float(picture.rgb.max()) * top), top)
    visible = picture.rgb if picture.alpha is None else picture.rgb * picture.alpha
    if float((visible.amax(0) - visible.amin(0)).max()) > MOST_COLOUR:
        raise ConfigError(
            f"The mask {picture.name} holds colours: save it in shades of grey, white where a picture may change."
        )
    return visible.mean(0, keepdim=True)


def _check_largest(what: str, largest: int, top: int) -> None:
    """Refuse a mask of labels 0 and 1, and warn of what may be more labels, or 8 bits in a file of 16.

    They would be taken for masks that are nearly 0 everywhere.
    """
    if largest == 1:
        raise ConfigError(f"{what} holds no number but 0 and 1, of {top}: write {top} where a picture may change.")
    if 0 < largest < top * FAINT:
        message = f"{what} holds no number above {largest}, of {top}, so that hardly anything changes."
        warnings.warn(message, PictureWarning, stacklevel=5)


def _same_aspect(mask: torch.Size, size: tuple[int, int]) -> bool:
    """Whether one is the other scaled by one factor, its shorter side rounded to whole pixels.

    Where the smaller one has few pixels, rounding makes nearly any shape of it: then only the exact proportions count.
    """
    smaller, larger = sorted((tuple(mask), size), key=max)
    if min(smaller) < LEAST_ROUNDED:
        return min(smaller) > 1 and smaller[0] * larger[1] == smaller[1] * larger[0]
    factor = max(larger) / max(smaller)
    return all(abs(few - many / factor) <= 0.5 for few, many in zip(smaller, larger, strict=True))


def _scaled(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask at another size: enlarged without a blur, so that what must not change does not; else by means."""
    if size[0] >= mask.shape[1] and size[1] >= mask.shape[2]:
        return F.interpolate(mask[None], size, mode="nearest-exact")[0]
    return F.interpolate(mask[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def _mask_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """The array as a tensor that shares neither its strides nor its byte order."""
    if array.dtype.kind not in "bf" and array.dtype != np.uint8:
        raise ConfigError(f"A mask of {array.dtype} is ambiguous: give bool, uint8, or floats in [0, 1].")
    return torch.from_numpy(np.array(array, dtype=np.float32 if array.dtype.kind == "f" else array.dtype, order="C"))
