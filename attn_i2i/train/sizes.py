"""Crops that the networks of a training cannot take are bad usage, in words of the crop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..types import AttnI2IError, ConfigError, ShapeError

# What torch says of pictures too small for a convolution, a padding, a norm or a pooling layer.
TOO_SMALL = re.compile(
    r"(Kernel|Padding) size|kernel size|Expected more than 1 (value|spatial)|[Oo]utput size.* too small"
)
FOLLOWS = re.compile(r"\bimage_size\b")  # the recipes' option that is the crop's side where nobody gives it


class CropSizeError(ConfigError, ShapeError):
    """A ``crop_size`` that the networks cannot take."""


@contextmanager
def pictures_of(crop_size: int | str) -> Iterator[None]:
    """Turn what torch, or a network, says of the size of its pictures into a CropSizeError that names the crop."""
    try:
        yield
    except CropSizeError:
        raise
    except ShapeError as error:
        if "batch_size" in str(error):  # an option of the training as well
            raise ConfigError(str(error)) from error
        if not any(re.search(rf"(?<!\d){side}(?!\d)", str(error)) for side in str(crop_size).split("x")):
            raise
        reason = str(error).partition(":")[0].rstrip(".")  # the advice behind it is for translations
        raise CropSizeError(
            f"crop_size={crop_size}: the networks cannot take pictures of this size ({reason}); choose another crop"
            " size, or networks for this one."
        ) from error
    except (ValueError, RuntimeError) as error:
        if isinstance(error, AttnI2IError) or not TOO_SMALL.search(str(error)):
            raise
        raise CropSizeError(
            f"crop_size={crop_size}: the networks cannot take pictures of this size; choose a larger one, or networks"
            f" of fewer layers ({str(error).rstrip('.')})."
        ) from error


@contextmanager
def built_for_crops(*, follows: bool) -> Iterator[None]:
    """Turn what a network says of an ``image_size`` that ``follows`` from the crop into a CropSizeError."""
    try:
        yield
    except (ConfigError, ShapeError) as error:
        if not follows or not FOLLOWS.search(str(error)):
            raise
        told = FOLLOWS.sub("crop_size", str(error)).rstrip(".")
        raise CropSizeError(f"{told}: choose another crop size, or other networks.") from error
