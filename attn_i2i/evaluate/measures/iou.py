"""Intersection over union of masks, and the threshold that serves it best."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ...types import ConfigError
from ._check import check_truth


def iou(score: Tensor, truth: Tensor, threshold: float = 0.5) -> Tensor:
    """Intersection over union of ``score >= threshold`` and the bool ``truth``, both (B, ...): shape (B,), float64.

    Two empty masks agree: 1. Raises ShapeError.

    >>> iou(torch.tensor([[0.9, 0.8, 0.1]]), torch.tensor([[True, False, False]]))
    tensor([0.5000], dtype=torch.float64)
    """
    check_truth(score, truth)
    positive, true = (score >= threshold).flatten(1), truth.flatten(1)
    union = (positive | true).sum(1).double()
    return torch.where(union > 0, (positive & true).sum(1) / union.clamp(min=1), 1.0)


def best_threshold(score: Tensor, truth: Tensor, steps: int = 100) -> tuple[float, float]:
    """The threshold with the highest mean IoU over (B, ...) masks, and that IoU; choose it on training pictures.

    Candidates are ``steps`` quantiles of the scores and their maximum, so that faint masks are searched as finely as
    strong ones. The smallest of equally good candidates is taken. Raises ShapeError, and ConfigError when there is no
    mask.
    """
    check_truth(score, truth)
    if not score.numel():
        raise ConfigError("A threshold cannot be chosen on no masks: give one or more.")
    ordered = score.flatten().sort().values
    quantiles = torch.arange(steps + 1, device=score.device) * (len(ordered) - 1) // steps
    candidates = ordered[quantiles].unique()
    means = torch.stack([iou(score, truth, float(candidate)).mean() for candidate in candidates])
    best = int(means.argmax())
    return float(candidates[best]), float(means[best])


NEEDS = ("attention", "true_mask", "threshold")
IOU = Measure(iou, NEEDS, better="higher", summary="IoU of the model's mask and the true one")
