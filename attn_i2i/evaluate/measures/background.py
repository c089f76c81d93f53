"""How well a translation keeps what it must not change."""

from __future__ import annotations

from torch import Tensor

from ...interfaces import Measure
from ._check import check_masked, masked_mean
from .psnr import decibels
from .ssim import ssim_map

HALF_A_LEVEL = 0.5 / 255
"""A pixel of an 8-bit picture counts as changed from here on: less is lost in rounding."""


def background_psnr(output: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """PSNR in dB for a peak of 1, over the pixels whose ``mask`` is exactly 0: shape (B,), at most EQUAL_DB.

    ``output`` and ``source`` are (B, C, H, W) in [0, 1], ``mask`` (B, 1, H, W). An image without background gives NaN:
    take ``nanmean``. Computed in float64. Raises ShapeError.

    >>> background_psnr(torch.full((1, 3, 2, 2), 0.1), torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
    tensor([20.0000], dtype=torch.float64)
    """
    check_masked(output, source, mask)
    return decibels(masked_mean((output.double() - source.double()).square(), (mask == 0).double()))


def background_l1(output: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute change of the pixels whose ``mask`` is exactly 0: shape (B,), NaN without any. Raises ShapeError.

    >>> background_l1(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
    tensor([1.], dtype=torch.float64)
    """
    check_masked(output, source, mask)
    return masked_mean((output.double() - source.double()).abs(), (mask == 0).double())


def background_ssim(output: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Mean of the SSIM map over the pixels whose ``mask`` is exactly 0: shape (B,), NaN without any.

    Pixels near the foreground see some of it through the window. Raises ShapeError.

    >>> picture = torch.eye(16).expand(1, 3, 16, 16)
    >>> background_ssim(picture, picture, torch.zeros(1, 1, 16, 16))
    tensor([1.], dtype=torch.float64)
    """
    check_masked(output, source, mask)
    return masked_mean(ssim_map(output, source), (mask == 0).double())


def background_changed(output: Tensor, source: Tensor, mask: Tensor, tolerance: float = HALF_A_LEVEL) -> Tensor:
    """Share of the pixels of ``mask`` 0 where a channel moved by more than ``tolerance``: shape (B,), NaN without any.

    Raises ShapeError.

    >>> output = torch.zeros(1, 3, 2, 2); output[0, 0, 0, 0] = 1
    >>> background_changed(output, torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))
    tensor([0.2500], dtype=torch.float64)
    """
    check_masked(output, source, mask)
    changed = ((output.double() - source.double()).abs() > tolerance).any(1, keepdim=True)
    return masked_mean(changed.double(), (mask == 0).double())


NEEDS = ("output", "source", "mask")
PSNR = Measure(background_psnr, NEEDS, unit="dB", better="higher", summary="PSNR to the input outside masks")
SSIM = Measure(background_ssim, NEEDS, better="higher", summary="SSIM to the input outside masks")
L1 = Measure(background_l1, NEEDS, better="lower", summary="L1 to the input outside masks")
CHANGED = Measure(background_changed, NEEDS, better="lower", summary="Share of pixels outside masks that changed")
