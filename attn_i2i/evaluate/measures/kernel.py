"""Squared maximum mean discrepancies of two sets under a kernel, and their bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

RESAMPLES = 1000
"""Enough that the ends of a 95 % interval move by a few per cent of its width from seed to seed."""
BLOCK = 1024
"""Columns of a kernel's matrix at once: 80 MB for 10,000 pictures, where the whole matrix has 800."""


class Kernels(NamedTuple):
    """Features (N, D) and (M, D), and a kernel: of rows (n, D) and (m, D), its values (n, m)."""

    kernel: Callable[[Tensor, Tensor], Tensor]
    x: Tensor
    y: Tensor

    def unbiased(self, x: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """The unbiased squared MMD; ``x`` (..., N) and ``y`` (..., M) count each picture, 1 where they are absent.

        No pair of a picture with itself counts, nor with its own copy in a resample.
        """
        x = self.x.new_ones(len(self.x)) if x is None else x
        y = self.y.new_ones(len(self.y)) if y is None else y
        between = self._sum(self.x, x, self.y, y) / (x.sum(-1) * y.sum(-1))
        return self._within(self.x, x) + self._within(self.y, y) - 2 * between

    def _sum(self, rows: Tensor, row_counts: Tensor, columns: Tensor, column_counts: Tensor) -> Tensor:
        """The kernel's sum over all pairs of a row and a column, each as often as both count: (...)."""
        blocks = zip(columns.split(BLOCK), column_counts.split(BLOCK, -1), strict=True)
        return torch.stack([((row_counts @ self.kernel(rows, c)) * counts).sum(-1) for c, counts in blocks]).sum(0)

    def _within(self, features: Tensor, counts: Tensor) -> Tensor:
        own = torch.cat([self.kernel(part, part).diagonal() for part in features.split(64)])
        pairs = self._sum(features, counts, features, counts) - counts.square() @ own
        return pairs / (counts.sum(-1).square() - counts.square().sum(-1))


def interval_of(kernels: Kernels, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the unbiased squared MMD by resampling the pictures of both sets, by their spread.

    The normal interval with the bootstrap's deviation, around the value itself.
    """
    generator = torch.Generator().manual_seed(seed)
    x, y = (_counts(len(part), resamples, generator).to(part) for part in (kernels.x, kernels.y))
    value, *resampled = kernels.unbiased(*(torch.cat([torch.ones_like(counts[:1]), counts]) for counts in (x, y)))
    values = torch.stack(resampled)
    deviation = values[values.isfinite()].std()  # a resample of one picture alone has no pair
    return float(value - 1.96 * deviation), float(value + 1.96 * deviation)


def _counts(size: int, resamples: int, generator: torch.Generator) -> Tensor:
    """How often each of ``size`` pictures is drawn in each resample: (resamples, size)."""
    drawn = torch.randint(size, (resamples, size), generator=generator)
    return torch.zeros(resamples, size).scatter_add_(1, drawn, torch.ones(resamples, size))
