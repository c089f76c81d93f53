"""Any picture size for networks that need a multiple of their stride: reflect what is missing, crop it back."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import Translation


def reflected(length: int, wanted: int, device: torch.device | None = None) -> Tensor:
    """Indices that continue 0..length-1 to ``wanted`` entries by reflection, however often that takes.

    >>> reflected(3, 7).tolist()
    [0, 1, 2, 1, 0, 1, 2]
    """
    period = max(1, 2 * (length - 1))
    index = torch.arange(wanted, device=device) % period
    return torch.where(index < length, index, period - index)


def pad_to_multiple(image: Tensor, multiple: int, minimum: int = 0) -> Tensor:
    """Extend (B, C, H, W) at the bottom and right by reflection until both sides divide by ``multiple``.

    Sides shorter than ``minimum`` grow to it. An image that fits already is returned as it is, without a copy.

    >>> pad_to_multiple(torch.zeros(1, 3, 30, 41), 4).shape
    torch.Size([1, 3, 32, 44])
    """
    for axis in (-2, -1):
        length = image.shape[axis]
        wanted = -(-max(length, minimum) // multiple) * multiple
        if wanted != length:
            image = image.index_select(axis, reflected(length, wanted, image.device))
    return image


def crop(translation: Translation, height: int, width: int) -> Translation:
    """Cut image, attention and contents back to the top left ``height`` x ``width``; heatmaps keep their grid.

    >>> crop(Translation(torch.zeros(1, 3, 32, 44)), 30, 41).image.shape
    torch.Size([1, 3, 30, 41])
    """
    if translation.image.shape[-2:] == (height, width):
        return translation
    cut = {
        name: value[..., :height, :width]
        for name in ("image", "attention", "contents")
        if (value := getattr(translation, name)) is not None
    }
    return translation._replace(**cut)
