"""How well a soft mask ranks the pixels of the true foreground first."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ._check import check_truth


def average_precision(score: Tensor, truth: Tensor) -> Tensor:
    """Area under the precision-recall steps, sum over thresholds of (R_n - R_(n-1)) P_n, for each of B masks: (B,).

    ``score`` is (B, ...) and higher where foreground is more likely, ``truth`` bool of the same shape. Equal scores
    share a threshold, so a constant mask gets the share of the foreground. NaN where nothing is foreground. Exact, as
    scikit-learn's ``average_precision_score`` is; raises ShapeError.

    >>> average_precision(torch.tensor([[0.9, 0.8, 0.7]]), torch.tensor([[True, False, True]]))
    tensor([0.8333], dtype=torch.float64)
    """
    check_truth(score, truth)
    rows = [_average_precision(s, t) for s, t in zip(score.flatten(1), truth.flatten(1), strict=True)]
    return torch.stack(rows) if rows else score.new_zeros(0, dtype=torch.float64)


def _average_precision(score: Tensor, truth: Tensor) -> Tensor:
    ordered, order = score.sort(descending=True, stable=True)
    hits = truth[order].double().cumsum(0)
    ends = torch.ones_like(truth)
    ends[:-1] = ordered[1:] != ordered[:-1]  # only the last of equal scores is a threshold
    counts = torch.arange(1, len(score) + 1, device=score.device)[ends]
    hits = hits[ends]
    steps = hits.diff(prepend=hits.new_zeros(1))
    return (steps * hits / counts).sum() / hits[-1]


AVERAGE_PRECISION = Measure(
    average_precision,
    ("attention", "true_mask"),
    better="higher",
    summary="Average precision of the model's mask, over all thresholds",
)
