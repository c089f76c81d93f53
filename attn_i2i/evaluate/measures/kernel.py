"""Squared maximum mean discrepancies from the values of a kernel, and their bootstrap."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

RESAMPLES = 1000
"""Enough that the ends of a 95 % interval move by a few per cent of its width from seed to seed."""


class Kernels(NamedTuple):
    """A kernel's values within two sets, (N, N) and (M, M), and between them, (N, M)."""

    within_x: Tensor
    within_y: Tensor
    between: Tensor

    def unbiased(self, x: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """The unbiased squared MMD; ``x`` (..., N) and ``y`` (..., M) count each picture, 1 where they are absent.

        No pair of a picture with itself counts, nor with its own copy in a resample.
        """
        x = self.between.new_ones(len(self.within_x)) if x is None else x
        y = self.between.new_ones(len(self.within_y)) if y is None else y
        between = ((x @ self.between) * y).sum(-1) / (x.sum(-1) * y.sum(-1))
        return _within(self.within_x, x) + _within(self.within_y, y) - 2 * between


def _within(kernel: Tensor, weights: Tensor) -> Tensor:
    pairs = ((weights @ kernel) * weights).sum(-1) - weights.square() @ kernel.diagonal()
    return pairs / (weights.sum(-1).square() - weights.square().sum(-1))


def interval_of(kernels: Kernels, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the unbiased squared MMD by resampling the pictures of both sets, by their spread.

    The normal interval with the bootstrap's deviation, around the value itself.
    """
    generator = torch.Generator().manual_seed(seed)
    value = kernels.unbiased()
    x, y = (_counts(len(part), resamples, generator) for part in (kernels.within_x, kernels.within_y))
    resampled = kernels.unbiased(x.to(value), y.to(value))
    deviation = resampled[resampled.isfinite()].std()  # a resample of one picture alone has no pair
    return float(value - 1.96 * deviation), float(value + 1.96 * deviation)


def _counts(size: int, resamples: int, generator: torch.Generator) -> Tensor:
    """How often each of ``size`` pictures is drawn in each resample: (resamples, size)."""
    drawn = torch.randint(size, (resamples, size), generator=generator)
    return torch.zeros(resamples, size).scatter_add_(1, drawn, torch.ones(resamples, size))
