"""What a discriminator is shown in place of the images themselves."""

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
    count, channels, height, width = images.shape
    if most >= min(height, width):
        raise ShapeError(f"shift={most} was given for images of {height}x{width}: expected less than either side.")
    down, right = torch.randint(2 * most + 1, (2, count, 1), generator=random).to(images.device, non_blocking=True)
    image = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    rows = (down + torch.arange(height, device=images.device))[:, None, :, None]
    columns = (right + torch.arange(width, device=images.device))[:, None, None, :]
    return F.pad(images, (most, most, most, most), mode="reflect")[image, channel, rows, columns]
