"""Peak signal-to-noise ratio."""

from __future__ import annotations

from torch import Tensor

from ...interfaces import Measure
from ._check import check_masked, check_pictures, masked_mean

EQUAL_DB = 100.0
"""The PSNR that stands for equal pictures, and the most that any pair gets: a mean over images stays finite."""


def psnr(output: Tensor, truth: Tensor) -> Tensor:
    """PSNR in dB for a peak of 1 of (B, C, H, W) pictures in [0, 1]: shape (B,), at most EQUAL_DB. Raises ShapeError.

    >>> psnr(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.1))
    tensor([20.0000], dtype=torch.float64)
    """
    check_pictures(output, truth)
    return decibels((output.double() - truth.double()).square().mean((1, 2, 3)))


def masked_psnr(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """PSNR in dB for a peak of 1, weighted by ``mask`` (B, 1, H, W) in [0, 1]: shape (B,), NaN where a mask is all 0.

    ``output`` and ``truth`` are (B, C, H, W) in [0, 1]. At most EQUAL_DB. Computed in float64. Raises ShapeError.

    >>> mask = torch.zeros(1, 1, 2, 2); mask[..., 0] = 1
    >>> masked_psnr(torch.full((1, 3, 2, 2), 0.1), torch.zeros(1, 3, 2, 2), mask)
    tensor([20.0000], dtype=torch.float64)
    """
    check_masked(output, truth, mask)
    return decibels(masked_mean((output.double() - truth.double()).square(), mask.double()))


def decibels(squared_error: Tensor) -> Tensor:
    """The PSNR in dB, at most EQUAL_DB, of mean squared errors of pictures whose peak is 1."""
    return -10 * squared_error.clamp(min=10 ** (-EQUAL_DB / 10)).log10()


PSNR = Measure(psnr, ("output", "truth"), unit="dB", better="higher", summary="PSNR to the truth")
FOREGROUND_PSNR = Measure(
    masked_psnr, ("output", "truth", "area"), unit="dB", better="higher", summary="PSNR to the truth inside masks"
)
