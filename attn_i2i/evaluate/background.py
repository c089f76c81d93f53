"""How well a translation keeps what it must not change, and how near it comes to the truth elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import ShapeError

EQUAL_DB = 100.0
"""The PSNR that stands for equal pictures, and the most that any pair gets: a mean over images stays finite."""


def background_psnr(output: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """PSNR in dB for a peak of 1, over the pixels whose ``mask`` is exactly 0: shape (B,), at most EQUAL_DB.

    ``output`` and ``source`` are (B, C, H, W) in [0, 1], ``mask`` (B, 1, H, W). An image without background gives NaN:
    take ``nanmean``. Computed in float64. Raises ShapeError.
    """
    _check(output, source, mask)
    squared = (output.double() - source.double()).square()
    error = masked_mean(squared, (mask == 0).double())
    return -10 * error.clamp(min=10 ** (-EQUAL_DB / 10)).log10()


def masked_l1(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference weighted by ``mask`` (B, 1, H, W) in [0, 1]: shape (B,), NaN where a mask is all 0.

    ``output`` and ``truth`` are (B, C, H, W). Computed in float64. Raises ShapeError.
    """
    _check(output, truth, mask)
    return masked_mean((output.double() - truth.double()).abs(), mask.double())


def masked_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of (B, C, H, W) ``values`` under (B, 1, H, W) ``weights``: shape (B,), NaN where all weights are 0."""
    return (values.mean(1, keepdim=True) * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3))


def _check(first: Tensor, second: Tensor, mask: Tensor) -> None:
    expected = torch.Size((first.shape[0], 1, *first.shape[2:]))
    if first.ndim != 4 or first.shape != second.shape or mask.shape != expected:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (first, second, mask))
        raise ShapeError(f"Shapes {shapes} do not fit: give two (B, C, H, W) pictures and a (B, 1, H, W) mask.")
