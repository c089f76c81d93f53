"""Distances between sets of pictures, through the features of any network."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..types import ConfigError, ShapeError


@torch.no_grad()
def extract(extractor: Callable[[Tensor], Tensor], batches: Iterable[Tensor]) -> Tensor:
    """Features (N, D), float64 on the CPU, of batches of pictures in whatever range the ``extractor`` takes.

    An extractor maps (B, 3, H, W) to (B, D). The published numbers use the 2048 features of the last pooling of an
    Inception network trained by Google; only numbers from one extractor compare. Raises ShapeError.
    """
    found = [extractor(batch) for batch in batches]
    if not found or any(part.ndim != 2 for part in found):
        shapes = [tuple(part.shape) for part in found[:1]]
        raise ShapeError(
            f"The extractor gave {shapes or 'nothing'}: expected one (B, D) for each of one or more batches."
        )
    return torch.cat([part.double().cpu() for part in found])


def fid(first: Tensor, second: Tensor) -> float:
    """Frechet distance of Gaussians fitted to features (N, D) and (M, D), two rows or more each (Heusel et al. 2017).

    |mu_a - mu_b|^2 + tr(Sa + Sb) - 2 tr sqrt(Sa Sb). With the centred features A, B the last trace is the nuclear norm
    of A B^T / sqrt((n-1)(m-1)): exact, without a square root of a singular matrix. Raises ShapeError.
    """
    _check(first, second)
    first, second = first.double(), second.double()
    a, b = (_centred_root(features) for features in (first, second))
    shift = (first.mean(0) - second.mean(0)).square().sum()
    cross = torch.linalg.matrix_norm(a @ b.T, ord="nuc")
    return float(shift + a.square().sum() + b.square().sum() - 2 * cross)


def kid(
    first: Tensor, second: Tensor, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Mean and deviation over subsets of the unbiased squared MMD, kernel (x.y / D + 1)^3 (Binkowski et al. 2018).

    Subsets are drawn without replacement from features (N, D) and (M, D) and never larger than the smaller set; where
    both sets are taken whole there is one value, of deviation 0. Publications often print 100 times this. Raises
    ShapeError, ConfigError.
    """
    _check(first, second)
    size = min(subset_size, len(first), len(second))
    if subsets < 1 or size < 2:
        raise ConfigError(f"subsets={subsets}, subset_size={subset_size}: give 1 or more subsets of 2 or more.")
    if size == len(first) == len(second):
        return float(_mmd2(first.double(), second.double())), 0.0
    generator = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        x, y = (features[torch.randperm(len(features), generator=generator)[:size]] for features in (first, second))
        values.append(_mmd2(x.double(), y.double()))
    found = torch.stack(values)
    return float(found.mean()), float(found.std(correction=0))


def kid_ugatit_mean(
    fake: Tensor, target: Tensor, source: Tensor, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> float:
    """What U-GAT-IT publishes as KID: the mean of the KID from the translations to the target and to the source.

    It rewards staying near the source, so it compares with no other paper's KID; ``kid(fake, target)`` does.
    """
    return sum(kid(fake, real, subsets=subsets, subset_size=subset_size, seed=seed)[0] / 2 for real in (target, source))


def _centred_root(features: Tensor) -> Tensor:
    """R of at most D rows with R^T R the covariance: from a QR where there are more samples than features."""
    centred = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    return torch.linalg.qr(centred, mode="r").R if centred.shape[0] > centred.shape[1] else centred


def _mmd2(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased squared maximum mean discrepancy of (n, D) and (m, D) under the cubic kernel."""
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    within = (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1))
    return within - 2 * xy.mean()


def _check(first: Tensor, second: Tensor) -> None:
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ShapeError(
            f"Features of shapes {tuple(first.shape)} and {tuple(second.shape)}: give (N, D) and (M, D), N and M >= 2."
        )
