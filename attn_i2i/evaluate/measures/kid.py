"""The kernel distance of two sets of pictures, and what U-GAT-IT publishes under its name."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ...types import ConfigError
from ._check import check_features
from .kernel import Kernels, interval_of

SUBSETS, SUBSET_SIZE = 100, 1000  # those of Binkowski et al. 2018, and of torch-fidelity


def kid(
    first: Tensor, second: Tensor, *, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = 0
) -> tuple[float, float]:
    """Mean and deviation over subsets of the unbiased squared MMD, kernel (x.y / D + 1)^3 (Binkowski et al. 2018).

    Subsets are drawn without replacement from features (N, D) and (M, D), and are never larger than the smaller set. If
    both sets are taken whole, there is one value, of deviation 0. Publications often print 100 times this. Raises
    ShapeError, ConfigError.

    >>> features = torch.eye(3)
    >>> round(kid(features, features + 1)[0], 3)
    13.716
    """
    check_features(first, second)
    size = min(subset_size, len(first), len(second))
    if subsets < 1 or size < 2:
        raise ConfigError(f"subsets={subsets}, subset_size={subset_size}: give 1 or more subsets of 2 or more.")
    if size == len(first) == len(second):
        return float(kernels(first, second).unbiased()), 0.0
    generator = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        x, y = (features[torch.randperm(len(features), generator=generator)[:size]] for features in (first, second))
        values.append(kernels(x, y).unbiased())
    distances = torch.stack(values)
    return float(distances.mean()), float(distances.std(correction=0))


def kid_ugatit_mean(
    fake: Tensor,
    target: Tensor,
    source: Tensor,
    *,
    subsets: int = SUBSETS,
    subset_size: int = SUBSET_SIZE,
    seed: int = 0,
) -> float:
    """What U-GAT-IT publishes as KID: the mean of the KID from the translations to the target and to the source.

    It rewards staying near the source, so it compares with no other paper's KID; ``kid(fake, target)`` does.
    """
    return sum(kid(fake, real, subsets=subsets, subset_size=subset_size, seed=seed)[0] / 2 for real in (target, source))


def kid_mean(fake: Tensor, real: Tensor) -> float:
    """KID: the mean of the unbiased squared MMD over 100 subsets of up to 1000 pictures (Binkowski et al. 2018)."""
    return kid(fake, real)[0]


def kid_interval(fake: Tensor, real: Tensor) -> tuple[float, float]:
    """The 95 % interval of the KID over both sets of pictures."""
    return interval_of(kernels(fake, real))


def kernels(x: Tensor, y: Tensor) -> Kernels:
    """The cubic kernel (x.y / D + 1)^3 of features (n, D) and (m, D)."""
    return Kernels(lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3, x.double(), y.double())


KID = Measure(
    kid_mean,
    ("output_features", "target_features"),
    better="lower",
    over="set",
    interval=kid_interval,
    summary="Kernel distance to the target domain, unbiased",
)
UGATIT_MEAN = Measure(
    kid_ugatit_mean,
    ("output_features", "target_features", "source_features"),
    better="lower",
    over="set",
    summary="Mean KID to target and source: U-GAT-IT's own",
)
