"""The structural similarity index."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...interfaces import Measure
from ...types import ShapeError
from ._check import masked_mean

# Those of Wang et al. 2004; scikit-image and torchmetrics use the same.
RADIUS, SIGMA, K1, K2 = 5, 1.5, 0.01, 0.03


def ssim(output: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """SSIM of (B, C, H, W) pictures in [0, 1]: shape (B,), the mean of the map, under ``mask`` (B, 1, H, W) if given.

    The index is computed on the whole pictures, so that a masked mean sees the surroundings of each pixel. Without a
    mask the border, where the window does not fit, is left out as usual. Raises ShapeError.

    >>> ssim(torch.eye(16).expand(1, 3, 16, 16), torch.eye(16).expand(1, 3, 16, 16))
    tensor([1.], dtype=torch.float64)
    """
    values = ssim_map(output, truth)
    if mask is None:
        return values[..., RADIUS:-RADIUS, RADIUS:-RADIUS].mean((1, 2, 3))
    return masked_mean(values, mask.double())


def masked_ssim(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """``ssim`` with a mask that must be given: shape (B,), NaN where it is all 0."""
    return ssim(output, truth, mask)


def ssim_map(first: Tensor, second: Tensor) -> Tensor:
    """The SSIM at each pixel and channel of (B, C, H, W) pictures in [0, 1], same shape, float64.

    Wang et al. 2004, equation 13: 11x11 Gaussian window, sigma 1.5, K1 = 0.01, K2 = 0.03, weights that sum to 1. Beyond
    the border the pictures are mirrored. Raises ShapeError for different shapes or less than 11 pixels a side.
    """
    luminance, contrast = similarity_maps(first, second)
    return luminance * contrast


def similarity_maps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The two factors of the SSIM at each pixel: luminance, and contrast times structure. Raises ShapeError."""
    if first.ndim != 4 or first.shape != second.shape or min(first.shape[-2:]) < 2 * RADIUS + 1:
        raise ShapeError(
            f"Shapes {tuple(first.shape)} and {tuple(second.shape)}: SSIM needs two (B, C, H, W) pictures of one shape,"
            f" {2 * RADIUS + 1} pixels or more a side."
        )
    x, y = first.double(), second.double()
    mean_x, mean_y, xx, yy, xy = _blur(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
    c1, c2 = K1**2, K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    covariance, variances = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
    return luminance, (2 * covariance + c2) / (variances + c2)


def _blur(x: Tensor) -> Tensor:
    """Gaussian mean around each pixel, mirrored at the border with the edge pixel repeated."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=x.dtype, device=x.device)
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window = window / window.sum()
    for dim in (2, 3):
        last = x.shape[dim]
        index = torch.arange(-RADIUS, last + RADIUS, device=x.device)
        index = torch.where(index < 0, -1 - index, torch.where(index >= last, 2 * last - 1 - index, index))
        x = x.index_select(dim, index)
    flat = x.flatten(0, 1)[:, None]
    blurred = F.conv2d(F.conv2d(flat, window[None, None, :, None]), window[None, None, None, :])
    return blurred.unflatten(0, x.shape[:2])[:, :, 0]


SSIM = Measure(ssim, ("output", "truth"), better="higher", summary="SSIM to the truth")
FOREGROUND_SSIM = Measure(
    masked_ssim, ("output", "truth", "area"), better="higher", summary="SSIM to the truth inside masks"
)
