"""What measures ask of their input, in one place and one wording."""

from __future__ import annotations

import torch
from torch import Tensor

from ...types import ConfigError, ShapeError


def check_pictures(first: Tensor, second: Tensor) -> None:
    """Raise ShapeError unless both are (B, C, H, W) of one shape."""
    if first.ndim != 4 or first.shape != second.shape:
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in (first, second))
        raise ShapeError(f"Pictures of shapes {shapes} do not compare: give two (B, C, H, W) of one shape.")


def check_masked(first: Tensor, second: Tensor, mask: Tensor) -> None:
    """Raise ShapeError unless two (B, C, H, W) pictures and a (B, 1, H, W) mask belong together."""
    expected = torch.Size((first.shape[0], 1, *first.shape[2:]))
    if first.ndim != 4 or first.shape != second.shape or mask.shape != expected:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (first, second, mask))
        raise ShapeError(f"Shapes {shapes} do not fit: give two (B, C, H, W) pictures and a (B, 1, H, W) mask.")


def check_mask(mask: Tensor) -> None:
    """Raise ShapeError unless ``mask`` is (B, 1, H, W)."""
    if mask.ndim != 4 or mask.shape[1] != 1:
        raise ShapeError(f"A mask of shape {tuple(mask.shape)} was given: expected (B, 1, H, W).")


def check_truth(score: Tensor, truth: Tensor) -> None:
    """Raise ConfigError unless ``truth`` is bool, ShapeError unless both have one shape (B, ...)."""
    if truth.dtype != torch.bool:
        raise ConfigError(f"A true mask of {truth.dtype} was given: give bool, such as alpha > 0.5.")
    if score.shape != truth.shape or score.ndim < 2:
        raise ShapeError(
            f"A mask of shape {tuple(score.shape)} against a truth of {tuple(truth.shape)}: give one shape (B, ...)."
        )


def check_features(first: Tensor, second: Tensor) -> None:
    """Raise ShapeError unless features are (N, D) and (M, D) with two rows or more each."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ShapeError(
            f"Features of shapes {tuple(first.shape)} and {tuple(second.shape)}: give (N, D) and (M, D), N and M >= 2."
        )


def masked_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of (B, C, H, W) ``values`` under (B, 1, H, W) ``weights``: shape (B,), NaN where all weights are 0."""
    return (values.mean(1, keepdim=True) * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3))
