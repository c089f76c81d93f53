"""Mean absolute difference."""

from __future__ import annotations

from torch import Tensor

from ...interfaces import Measure
from ._check import check_masked, check_pictures, masked_mean


def l1(output: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of two (B, C, H, W) pictures in [0, 1]: shape (B,), float64. Raises ShapeError.

    >>> l1(torch.full((1, 3, 4, 4), 0.75), torch.full((1, 3, 4, 4), 0.5))
    tensor([0.2500], dtype=torch.float64)
    """
    check_pictures(output, truth)
    return (output.double() - truth.double()).abs().mean((1, 2, 3))


def masked_l1(output: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference weighted by ``mask`` (B, 1, H, W) in [0, 1]: shape (B,), NaN where a mask is all 0.

    ``output`` and ``truth`` are (B, C, H, W). Computed in float64. Raises ShapeError.

    >>> mask = torch.zeros(1, 1, 2, 2); mask[..., 0] = 1
    >>> masked_l1(mask.expand(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), mask)
    tensor([1.], dtype=torch.float64)
    """
    check_masked(output, truth, mask)
    return masked_mean((output.double() - truth.double()).abs(), mask.double())


L1 = Measure(l1, ("output", "truth"), better="lower", summary="Mean absolute difference to the truth")
FOREGROUND_L1 = Measure(masked_l1, ("output", "truth", "area"), better="lower", summary="L1 to the truth inside masks")
CYCLE_L1 = Measure(l1, ("cycled", "source"), better="lower", summary="L1 of there and back to the input")
CHANGE = Measure(l1, ("output", "source"), better=None, summary="L1 of the output to the input: how much changed")
