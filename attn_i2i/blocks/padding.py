"""Any picture size for networks that need a multiple of their stride: reflect what is missing, crop it back.

An exported graph takes the same steps for every size: what to do is not chosen by the size of its example.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ..types import Translation
from .convolution import exporting


def reflected(length: int, wanted: int, device: torch.device | None = None) -> Tensor:
    """Indices that continue 0..length-1 to ``wanted`` entries by reflection, however often that takes.

    >>> reflected(3, 7).tolist()
    [0, 1, 2, 1, 0, 1, 2]
    """
    period = torch.full((1,), _larger(1, 2 * (length - 1)), dtype=torch.int64, device=device)
    index = torch.arange(wanted, device=device) % period
    return torch.minimum(index, period - index)


def pad_to_multiple(image: Tensor, multiple: int, minimum: int = 0) -> Tensor:
    """Extend (B, C, H, W) at the bottom and right by reflection until both sides divide by ``multiple``.

    Sides shorter than ``minimum`` grow to it. An image that fits already is returned as it is, without a copy.

    >>> pad_to_multiple(torch.zeros(1, 3, 30, 41), 4).shape
    torch.Size([1, 3, 32, 44])
    """
    for axis in (-2, -1):
        length = image.shape[axis]
        # Of positive numbers alone: ONNX divides integers towards 0, Python downwards.
        wanted = (_larger(length, minimum) + multiple - 1) // multiple * multiple
        if exporting() or wanted != length:
            image = image.index_select(axis, reflected(length, wanted, image.device))
    return image


def cut(image: Tensor, height: int, width: int) -> Tensor:
    """The top left ``height`` x ``width`` of (..., H, W).

    >>> cut(torch.zeros(3, 32, 44), 30, 41).shape
    torch.Size([3, 30, 41])
    """
    if not exporting():
        return image[..., :height, :width]
    for axis, length in ((-2, height), (-1, width)):  # a slice would bind the graph to the sizes of its example
        image = image.index_select(axis, torch.arange(length, device=image.device))
    return image


def crop(translation: Translation, height: int, width: int) -> Translation:
    """Cut image, attention and contents back to the top left ``height`` x ``width``; heatmaps keep their grid.

    >>> crop(Translation(torch.zeros(1, 3, 32, 44)), 30, 41).image.shape
    torch.Size([1, 3, 30, 41])
    """
    if not exporting() and translation.image.shape[-2:] == (height, width):
        return translation
    parts = {
        name: cut(value, height, width)
        for name in ("image", "attention", "contents")
        if (value := getattr(translation, name)) is not None
    }
    return translation._replace(**parts)


def _larger(length: int, least: int) -> int:
    """The larger of two lengths, where an exported graph serves every length."""
    return cast(int, torch.sym_max(length, least)) if exporting() else max(length, least)
