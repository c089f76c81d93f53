"""Mean absolute error of soft masks."""

from __future__ import annotations

from torch import Tensor

from ...interfaces import Measure
from ._check import check_pictures


def mask_error(mask: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error of ``mask`` against ``truth``, (B, 1, H, W) in [0, 1] or bool: shape (B,). Raises ShapeError.

    >>> mask_error(torch.full((1, 1, 2, 2), 0.25), torch.ones(1, 1, 2, 2, dtype=torch.bool))
    tensor([0.7500], dtype=torch.float64)
    """
    check_pictures(mask, truth)
    return (mask.double() - truth.double()).abs().mean((1, 2, 3))


MAE = Measure(mask_error, ("attention", "true_mask"), better="lower", summary="Mean absolute error of the model's mask")
