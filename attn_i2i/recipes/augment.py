"""What a discriminator is shown in place of the images themselves: pure functions through which gradients pass."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import ShapeError


def shifted(images: Tensor, most: int, random: torch.Generator) -> Tensor:
    """Each image of (B, C, H, W) moved by -``most`` to ``most`` pixels both ways, reflected at its edges.

    The translation of DiffAugment (Zhao et al., arXiv:2006.10738), through which gradients pass. With 0 the
    images are returned as they are, and nothing is drawn from ``random``, a generator of the CPU. Raises ShapeError
    unless ``most`` is less than H and W.
    """
    if not most:
        return images
    count, _, height, width = images.shape
    if most >= min(height, width):
        raise ShapeError(f"shift={most} was given for images of {height}x{width}: expected less than either side.")
    down, right = torch.randint(2 * most + 1, (2, count), generator=random, device="cpu").to(
        images.device, non_blocking=True
    )
    return _windows(F.pad(images, (most, most, most, most), mode="reflect"), down, right, (height, width))


def translated(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Images (B, C, H, W) moved by whole pixels, (B,) each, with 0 where nothing moves in.

    >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> translated(image, torch.tensor([1]), torch.tensor([0]))
    tensor([[[[0., 0.],
              [0., 1.]]]])
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (width, width, height, height))
    top, left = (size - moved.to(images.device).clamp(-size, size) for size, moved in ((height, down), (width, right)))
    return _windows(padded, top, left, (height, width))


def brightened(images: Tensor, amount: Tensor) -> Tensor:
    """Images (B, C, H, W) with ``amount`` (B,) added to every value."""
    return images + _per_image(amount, images)


def saturated(images: Tensor, factor: Tensor) -> Tensor:
    """Images (B, C, H, W) whose channels are ``factor`` (B,) times as far from their mean at each pixel.

    An image of one channel stays as it is.
    """
    mean = images.mean(1, keepdim=True)
    return images + (images - mean) * _per_image(factor - 1, images)  # with 1 the image itself, bit for bit


def contrasted(images: Tensor, factor: Tensor) -> Tensor:
    """Images (B, C, H, W) whose values are ``factor`` (B,) times as far from the mean of the image."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return images + (images - mean) * _per_image(factor - 1, images)  # with 1 the image itself, bit for bit


def cut_out(images: Tensor, top: Tensor, left: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (B, C, H, W) with 0 in a box of ``size`` whose corner is at ``top`` and ``left`` (B,), inside or not."""
    height, width = images.shape[-2:]
    rows, columns = (
        _inside(corner.to(images.device), side, length)
        for corner, side, length in ((top, size[0], height), (left, size[1], width))
    )
    box = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(box, 0.0)


def _inside(corner: Tensor, side: int, length: int) -> Tensor:
    places = torch.arange(length, device=corner.device)
    return (places >= corner[:, None]) & (places < corner[:, None] + side)


def _per_image(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images)[:, None, None, None]


def _windows(images: Tensor, top: Tensor, left: Tensor, size: tuple[int, int]) -> Tensor:
    """A window of ``size`` from each of (B, C, H, W), whose corner is at ``top`` and ``left`` (B,)."""
    count, channels = images.shape[:2]
    image = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    rows = (top[:, None] + torch.arange(size[0], device=images.device))[:, None, :, None]
    columns = (left[:, None] + torch.arange(size[1], device=images.device))[:, None, None, :]
    return images[image, channel, rows, columns]
