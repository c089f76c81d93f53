"""How sure a number is: intervals over pictures, and whether two models differ."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..types import ShapeError

# 2000 resamples place the ends of a 95 % interval to a few per cent of its width; the p-value's step is 1/10,001.
RESAMPLES, FLIPS = 2000, 10_000
CHUNK = 200  # resamples at once: 200 x 10,000 pictures are 16 MB


class Difference(NamedTuple):
    """Mean difference of two models over the same pictures, its 95 % interval, and the p-value of no difference."""

    mean: float
    low: float
    high: float
    p: float


def mean_interval(values: Tensor, *, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean of ``values`` (N,): the percentiles of resampled means.

    The spread of the resamples is widened by sqrt(N / (N - 1)), which it lacks in small sets. One value has the
    interval (-inf, inf). Raises ShapeError.

    >>> mean_interval(torch.ones(10))
    (1.0, 1.0)
    """
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"Values of shape {tuple(values.shape)} were given: expected (N,), N >= 1.")
    if len(values) == 1:
        return float("-inf"), float("inf")
    values, mean = values.double(), values.double().mean()
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for start in range(0, resamples, CHUNK):
        drawn = torch.randint(len(values), (min(CHUNK, resamples - start), len(values)), generator=generator)
        parts.append(values[drawn].mean(1))
    means = mean + (torch.cat(parts) - mean) * (len(values) / (len(values) - 1)) ** 0.5
    low, high = means.quantile(means.new_tensor([0.025, 0.975])).tolist()
    return low, high


def paired_test(first: Tensor, second: Tensor, *, flips: int = FLIPS, seed: int = 0) -> Difference:
    """Whether ``first`` (N,) and ``second`` (N,), measured on the same pictures, differ in the mean.

    The p-value is that of random signs of the differences. It is exact for every distribution under the null hypothesis
    that the two models are exchangeable picture by picture. Raises ShapeError.

    >>> paired_test(torch.arange(20.0), torch.arange(20.0) + 1).mean
    -1.0
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ShapeError(f"Values of shapes {shapes}: expected two of (N,), N >= 2, picture by picture.")
    differences = first.double() - second.double()
    mean = differences.mean()
    generator = torch.Generator().manual_seed(seed)
    extreme = 0
    for start in range(0, flips, CHUNK):
        count = min(CHUNK, flips - start)
        signs = torch.randint(2, (count, len(differences)), generator=generator, dtype=torch.int8) * 2 - 1
        means = (signs.double() @ differences) / len(differences)
        extreme += int((means.abs() >= mean.abs() * (1 - 1e-12)).sum())
    low, high = mean_interval(differences, seed=seed)
    return Difference(float(mean), low, high, (1 + extreme) / (1 + flips))


def holm(p_values: list[float]) -> list[float]:
    """p-values corrected for their number by Holm's method, in the order given.

    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = highest
    return corrected
