"""What a Translator is given, as pictures and masks that belong together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from ..images.mask import read_mask
from ..images.picture import Picture, PictureWarning, Stored
from ..images.ranges import DTYPE, Percentiles, RangeLike, dtype_range, parse_range
from ..images.read import ImageSource, read_image
from ..images.series import in_range, measure_range
from ..types import ConfigError, ShapeError

# Shares of numbers: beyond a range that is far, and of a type's range that is little (12 of 16 bits are 1/16).
FAR, LITTLE = 0.05, 1 / 16


def as_pictures(
    sources: Sequence[ImageSource | Picture],
    range: RangeLike,  # noqa: A002
    page: int | None,
    color: bool,
) -> list[Picture]:
    """Read what is not read yet, in one range that the caller names or that is measured over all of them."""
    wanted = parse_range(range)
    at_first = DTYPE if isinstance(wanted, Percentiles) else wanted
    pictures = [
        source if isinstance(source, Picture) else read_image(source, range=at_first, page=page) for source in sources
    ]
    if isinstance(wanted, Percentiles):
        measured = measure_range(pictures, range)
        pictures = [in_range(picture, measured) for picture in pictures]
    unnamed = [i for i, picture in enumerate(pictures) if picture.name == Picture.name]
    if len(unnamed) > 1:
        for i in unnamed:
            pictures[i] = replace(pictures[i], name=f"{Picture.name}-{i + 1:04d}")
    for picture in pictures:
        warn_of_range(picture)
    return [in_colour(picture) for picture in pictures] if color else pictures


def in_colour(picture: Picture) -> Picture:
    """A grey picture as three equal channels, any other as it is."""
    if picture.channels != 1:
        return picture
    stored = picture.stored
    repeated = None if stored is None else Stored(np.repeat(stored.numbers, 3, 0), stored.range)
    return replace(picture, values=picture.values.repeat(3, 1, 1), stored=repeated, icc=None)


def warn_of_range(picture: Picture) -> None:
    """Say where many numbers of a picture lie outside its range, or where a type's range is hardly used."""
    if picture.stored is None:
        return
    numbers, (low, high) = picture.stored.numbers, sorted(picture.stored.range)
    least, most = float(numbers.min()), float(numbers.max())
    if (low, high) == tuple(dtype_range(numbers.dtype)):
        if numbers.dtype.kind in "iu" and least < most and most - least < LITTLE * (high - low):
            message = (
                f"Pictures of {numbers.dtype} use less than a sixteenth of what the type can hold ({low:.0f} to"
                f" {high:.0f}). A network then sees hardly any contrast: give the range of the whole series"
                " (range='LOW,HIGH')."
            )
            warnings.warn(message, PictureWarning, stacklevel=3)
    elif numbers.dtype.kind in "iu" and (span := np.iinfo(numbers.dtype)).max - span.min < LITTLE * (high - low):
        message = (
            f"{picture.name} is {numbers.dtype}, which holds less than a sixteenth of the range {low:.6g} to"
            f" {high:.6g}: it is of another series, or needs a range of its own."
        )
        warnings.warn(message, PictureWarning, stacklevel=3)
    outside = float(((numbers < low) | (numbers > high)).mean())
    if outside > FAR:
        message = (
            f"{picture.name} holds numbers from {least:.6g} to {most:.6g}, and {outside:.0%} of them lie outside the"
            f" range {low:.6g} to {high:.6g}: a network sees those as its ends. Give the range of the whole series"
            " (range='LOW,HIGH') if that is not meant."
        )
        warnings.warn(message, PictureWarning, stacklevel=3)


def as_limits(mask: Any, pictures: Sequence[Picture]) -> list[Tensor | None]:
    many = isinstance(mask, list | tuple) or (isinstance(mask, Tensor) and mask.ndim == 4)
    masks = list(mask) if many else [mask] * len(pictures)
    if len(masks) != len(pictures):
        raise ConfigError(f"{len(masks)} masks were given for {len(pictures)} pictures: give one, or one each.")
    pairs = zip(masks, pictures, strict=True)
    return [None if one is None else _limit(one, picture) for one, picture in pairs]


def _limit(mask: ImageSource, picture: Picture) -> Tensor:
    try:
        return read_mask(mask, picture.size, scale=True).to(picture.values)
    except ShapeError as error:
        raise ShapeError(f"{picture.name}: {error}") from error
