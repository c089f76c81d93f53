"""Pictures moved along a flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """``image`` (B, C, H, W) read at each pixel's place plus ``flow`` (B, 2, H, W), in pixels, bilinearly."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=image.dtype, device=image.device),
        torch.arange(width, dtype=image.dtype, device=image.device),
        indexing="ij",
    )
    where_x, where_y = x + flow[:, 0].to(image), y + flow[:, 1].to(image)
    grid = torch.stack([2 * where_x / max(width - 1, 1) - 1, 2 * where_y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)
