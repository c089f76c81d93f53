"""In which style a multimodal network translates: given in numbers, drawn from a seed, or taken from a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..images.picture import Picture
from ..images.ranges import RangeLike
from ..images.read import ImageSource, read_image
from ..interfaces import RGB, channels_of, only_size
from ..types import ConfigError, ModelError, ShapeError
from .memory import check_fits

Style: TypeAlias = "ImageSource | Picture | Sequence[float]"

SEED = re.compile(r"seed:(.*)", re.DOTALL)
LARGEST_SEED = 2**63 - 1  # what torch's generators take
NO_STYLES = "this network knows no styles"
WRITTEN = "a reference picture, a seed (seed:1), or its {} numbers"


def style_vector(
    style: Style | None,
    generator: nn.Module,
    *,
    device: torch.device,
    dtype: torch.dtype,
    range: RangeLike = None,  # noqa: A002
) -> Tensor | None:
    """The (1, style_dim) style, float32, that ``style`` means to ``generator``; None for a network without styles.

    ``style`` is a picture of the target domain, or "seed:N" for a style drawn from N(0, 1), or the ``style_dim``
    numbers. Numbers come in a list, an array, a tensor (style_dim,) or (1, style_dim), or a text with commas. None is
    the prior's mean, zero. A seed means the same numbers on every device. Raises ConfigError, ShapeError,
    UnreadableFileError, ModelError.
    """
    count = getattr(generator, "style_dim", None)
    if count is None:
        if style is not None:
            known = "a graph has the mean style alone" if getattr(generator, "mean_style", False) else NO_STYLES
            raise ConfigError(f"style={_shown(style)} was given, but {known}: leave it out.")
        return None
    if style is None:
        return torch.zeros(1, count)
    if isinstance(style, str) and (match := SEED.fullmatch(style)):
        return torch.randn(1, count, generator=torch.Generator("cpu").manual_seed(_seed(match[1])), device="cpu")
    if (numbers := _numbers(style, count)) is not None:
        if numbers.numel() != count or not numbers.isfinite().all():
            raise ConfigError(f"The style {_shown(style)} was given: expected {WRITTEN.format(count)}.")
        return numbers.reshape(1, count)
    return _style_of(cast("ImageSource | Picture", style), generator, count, device, dtype, range)


def styles_apart(style: Any, pictures: int) -> list[Any]:
    """One style for each of ``pictures`` from one for all, or from as many in a list or the rows of a tensor."""
    rows = style.ndim in (2, 4) if isinstance(style, Tensor) else isinstance(style, np.ndarray) and style.ndim == 4
    apart = rows or (isinstance(style, list | tuple) and not _are_numbers(style))
    if not apart or (rows and len(style) == 1):
        return [style] * pictures
    if len(style) != pictures:
        raise ConfigError(
            f"{len(style)} styles were given for {pictures} picture{'s' * (pictures != 1)}: give one, or one each"
            " ([picture] * 3 for a picture in three styles)."
        )
    return list(style)


def grouped(styles: Sequence[Tensor | None]) -> Iterator[tuple[Tensor | None, list[int]]]:
    """Each style once, with the indexes of the pictures that have it."""
    groups: dict[Any, list[int]] = {}
    for i, style in enumerate(styles):
        groups.setdefault(None if style is None else tuple(style.flatten().tolist()), []).append(i)
    return ((styles[indexes[0]], indexes) for indexes in groups.values())


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or int(text) > LARGEST_SEED:
        raise ConfigError(
            f"The style 'seed:{text}' was given: expected a whole number from 0 behind seed:, such as seed:1"
            f" (for a file of this name, ./seed:{text})."
        )
    return int(text)


def _are_numbers(style: Sequence[Any]) -> bool:
    return all(isinstance(item, Real) or (isinstance(item, Tensor) and item.ndim == 0) for item in style)


def _numbers(style: Any, count: int) -> Tensor | None:
    """The style as numbers, of whatever count; None for what is a picture."""
    if isinstance(style, str):
        parts = style.split(",")
        try:
            return torch.tensor([float(part) for part in parts]) if len(parts) > 1 else None
        except ValueError:
            return None  # a file name with commas
    if isinstance(style, np.ndarray) and (style.ndim == 1 or style.shape == (1, count)):
        return torch.from_numpy(style.astype(np.float32))
    if isinstance(style, Tensor) and style.ndim in (1, 2):
        return style.detach().to("cpu", torch.float32)
    if isinstance(style, list | tuple) and _are_numbers(style):
        return torch.tensor([float(item) for item in style])
    return None


class _StyleEncoder(nn.Module):
    """A network's ``style_of`` as a network of its own, whose memory can be told."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator: Any = generator

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.generator.style_of(image),)


@torch.no_grad()
def _style_of(
    source: ImageSource | Picture,
    generator: nn.Module,
    count: int,
    device: torch.device,
    dtype: torch.dtype,
    range: RangeLike,  # noqa: A002
) -> Tensor:
    """The style of a reference picture, as the network's ``style_of`` sees it."""
    if not hasattr(generator, "style_of"):
        raise ConfigError("This network takes no style from a picture: give a seed (seed:1) or numbers.")
    picture = source if isinstance(source, Picture) else read_image(source, range=range)
    image = _as_target(picture, generator)[None].to(device, dtype) * 2 - 1
    encoder = _StyleEncoder(generator)
    check_fits(encoder, image, picture.name)
    style = encoder(image)[0].detach().to("cpu", torch.float32)
    if style.shape != (1, count) or not style.isfinite().all():
        raise ModelError(
            f"{picture.name}: the network's style_of gave {tuple(style.shape)}, expected {count} finite numbers."
        )
    return style


def _as_target(picture: Picture, generator: nn.Module) -> Tensor:
    """(C, H, W) in [0, 1] with the channels that the network gives, at the one size that some networks take."""
    gives = channels_of(generator)[1]
    values = picture.values if picture.stored is None else picture.values.clamp(0, 1)
    if picture.channels == 1 and gives == RGB:
        values = values.expand(RGB, -1, -1)
    elif picture.channels != gives:
        raise ShapeError(
            f"{picture.name} has {picture.channels} channels: this network takes styles from pictures of {gives}."
        )
    size = only_size(generator)
    if size is None:
        return values
    resized = F.interpolate(values[None], size, mode="bicubic", align_corners=False, antialias=True)
    return resized[0].clamp(0, 1)


def _shown(style: object) -> str:
    text = " ".join((repr(style) if not isinstance(style, Path) else repr(str(style))).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
