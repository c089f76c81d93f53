"""The multi-scale structural similarity index."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...interfaces import Measure
from ...types import ShapeError
from ._check import check_pictures
from .ssim import RADIUS, similarity_maps

# The exponents of the five scales, from the finest: what observers chose in Wang et al. 2003, section 3.2.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST = (2 * RADIUS + 1) * 2 ** (len(WEIGHTS) - 1)
"""Pixels that each side needs: the window must fit the coarsest scale."""


def ms_ssim(output: Tensor, truth: Tensor) -> Tensor:
    """MS-SSIM of (B, C, H, W) pictures in [0, 1], SMALLEST pixels or more a side: shape (B,), float64.

    It is the product of the mean contrast and structure at five scales, each half the one before (Wang et al.
    2003, equation 7). The luminance of the coarsest scale is a factor too. A negative mean counts as 0. Raises
    ShapeError.

    >>> ms_ssim(torch.eye(176).expand(1, 3, 176, 176), torch.eye(176).expand(1, 3, 176, 176))
    tensor([1.], dtype=torch.float64)
    """
    check_pictures(output, truth)
    if min(output.shape[-2:]) < SMALLEST:
        raise ShapeError(f"Pictures of {output.shape[-1]}x{output.shape[-2]}: MS-SSIM needs {SMALLEST} pixels a side.")
    x, y, product = output.double(), truth.double(), torch.ones(len(output), dtype=torch.float64, device=output.device)
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = similarity_maps(x, y)
        values = luminance * contrast if scale == len(WEIGHTS) - 1 else contrast
        inside = values[..., RADIUS:-RADIUS, RADIUS:-RADIUS].mean((1, 2, 3))
        product = product * inside.clamp(min=0) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return product


MS_SSIM = Measure(ms_ssim, ("output", "truth"), better="higher", summary="Multi-scale SSIM to the truth")
