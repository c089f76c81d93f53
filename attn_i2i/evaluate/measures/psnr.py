"""Peak signal-to-noise ratio."""

from __future__ import annotations

from torch import Tensor

from ...interfaces import Measure
from ._check import check_pictures

EQUAL_DB = 100.0
"""The PSNR that stands for equal pictures, and the most that any pair gets: a mean over images stays finite."""


def psnr(output: Tensor, truth: Tensor) -> Tensor:
    """PSNR in dB for a peak of 1 of (B, C, H, W) pictures in [0, 1]: shape (B,), at most EQUAL_DB. Raises ShapeError.

    >>> psnr(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.1))
    tensor([20.0000], dtype=torch.float64)
    """
    check_pictures(output, truth)
    return decibels((output.double() - truth.double()).square().mean((1, 2, 3)))


def decibels(squared_error: Tensor) -> Tensor:
    """The PSNR in dB, at most EQUAL_DB, of mean squared errors of pictures whose peak is 1."""
    return -10 * squared_error.clamp(min=10 ** (-EQUAL_DB / 10)).log10()


PSNR = Measure(psnr, ("output", "truth"), unit="dB", better="higher", summary="PSNR to the truth")
