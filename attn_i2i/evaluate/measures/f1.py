"""The F1 score of masks, also known as the Dice coefficient."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ._check import check_truth


def f1(score: Tensor, truth: Tensor, threshold: float = 0.5) -> Tensor:
    """F1 of ``score >= threshold`` against the bool ``truth``, both (B, ...): shape (B,), float64.

    Twice the intersection over the sum of the areas. Two empty masks agree: 1. Raises ShapeError.

    >>> f1(torch.tensor([[0.9, 0.8, 0.1, 0.1]]), torch.tensor([[True, False, True, False]]))
    tensor([0.5000], dtype=torch.float64)
    """
    check_truth(score, truth)
    positive, true = (score >= threshold).flatten(1), truth.flatten(1)
    total = (positive.sum(1) + true.sum(1)).double()
    return torch.where(total > 0, 2 * (positive & true).sum(1) / total.clamp(min=1), 1.0)


NEEDS = ("attention", "true_mask", "threshold")
F1 = Measure(f1, NEEDS, better="higher", summary="F1 of the model's mask and the true one")
