"""How well a soft attention mask finds the true foreground."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import ConfigError, ShapeError


def average_precision(score: Tensor, truth: Tensor) -> Tensor:
    """Area under the precision-recall steps, sum over thresholds of (R_n - R_(n-1)) P_n, for each of B masks: (B,).

    ``score`` is (B, ...) and higher where foreground is more likely, ``truth`` bool of the same shape. Equal scores
    share a threshold, so a constant mask gets the share of the foreground. NaN where nothing is foreground. Exact, as
    scikit-learn's ``average_precision_score`` is; raises ShapeError.
    """
    _check(score, truth)
    rows = [_average_precision(s, t) for s, t in zip(score.flatten(1), truth.flatten(1), strict=True)]
    return torch.stack(rows) if rows else score.new_zeros(0, dtype=torch.float64)


def iou(score: Tensor, truth: Tensor, threshold: float) -> Tensor:
    """Intersection over union of ``score >= threshold`` and the bool ``truth``, both (B, ...): shape (B,), float64.

    Two empty masks agree: 1. Raises ShapeError.
    """
    _check(score, truth)
    found, true = (score >= threshold).flatten(1), truth.flatten(1)
    union = (found | true).sum(1).double()
    return torch.where(union > 0, (found & true).sum(1) / union.clamp(min=1), 1.0)


def best_threshold(score: Tensor, truth: Tensor, steps: int = 100) -> tuple[float, float]:
    """The threshold with the highest mean IoU over (B, ...) masks, and that IoU; choose it on training pictures.

    Candidates are ``steps`` quantiles of the scores and their maximum, so that faint masks are searched as finely as
    strong ones; the smallest of equally good ones wins. Raises ShapeError, and ConfigError when there is no mask.
    """
    _check(score, truth)
    if not score.numel():
        raise ConfigError("A threshold cannot be chosen on no masks: give one or more.")
    ordered = score.flatten().sort().values
    quantiles = torch.arange(steps + 1, device=score.device) * (len(ordered) - 1) // steps
    candidates = ordered[quantiles].unique()
    means = torch.stack([iou(score, truth, float(candidate)).mean() for candidate in candidates])
    best = int(means.argmax())
    return float(candidates[best]), float(means[best])


def _average_precision(score: Tensor, truth: Tensor) -> Tensor:
    ordered, order = score.sort(descending=True, stable=True)
    hits = truth[order].double().cumsum(0)
    ends = torch.ones_like(truth)
    ends[:-1] = ordered[1:] != ordered[:-1]  # only the last of equal scores is a threshold
    counts = torch.arange(1, len(score) + 1, device=score.device)[ends]
    hits = hits[ends]
    steps = hits.diff(prepend=hits.new_zeros(1))
    return (steps * hits / counts).sum() / hits[-1]


def _check(score: Tensor, truth: Tensor) -> None:
    if truth.dtype != torch.bool:
        raise ConfigError(f"A true mask of {truth.dtype} was given: give bool, such as alpha > 0.5.")
    if score.shape != truth.shape or score.ndim < 2:
        raise ShapeError(
            f"A mask of shape {tuple(score.shape)} against a truth of {tuple(truth.shape)}: give one shape (B, ...)."
        )
