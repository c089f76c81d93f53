"""Precision and recall, density and coverage: is each picture believable, and is all of the variety there."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ...types import ConfigError
from ._check import check_features

# The neighbours that the papers use: 3 for precision and recall, 5 for density and coverage.
NEAREST, NEAREST_COVERAGE = 3, 5


def precision(fake: Tensor, real: Tensor, k: int = NEAREST) -> float:
    """Share of ``fake`` features (N, D) within the ``k``-th neighbour's distance of some ``real`` (M, D).

    Kynkäänniemi et al. 2019, equation 2. Raises ShapeError, and ConfigError where there are not k neighbours.

    >>> features = torch.arange(8.0)[:, None]
    >>> precision(features + 0.5, features), precision(features + 100, features)
    (1.0, 0.0)
    """
    return float(precision_of_each(fake, real, k).mean())


def recall(fake: Tensor, real: Tensor, k: int = NEAREST) -> float:
    """Share of ``real`` features within the ``k``-th neighbour's distance of some ``fake``: precision, roles swapped.

    >>> features = torch.arange(8.0)[:, None]
    >>> recall(features[:4], features, k=1)
    0.625
    """
    return float(recall_of_each(fake, real, k).mean())


def density(fake: Tensor, real: Tensor, k: int = NEAREST_COVERAGE) -> float:
    """How many ``real`` neighbourhoods hold each ``fake`` feature, over ``k``; may exceed 1.

    Naeem et al. 2020, equation 4. Raises ShapeError, ConfigError.

    >>> features = torch.arange(8.0)[:, None]
    >>> density(features + 100, features)
    0.0
    """
    return float(density_of_each(fake, real, k).mean())


def coverage(fake: Tensor, real: Tensor, k: int = NEAREST_COVERAGE) -> float:
    """Share of ``real`` features with a ``fake`` within their ``k``-th neighbour's distance.

    Naeem et al. 2020, equation 5. Raises ShapeError, ConfigError.

    >>> features = torch.arange(8.0)[:, None]
    >>> coverage(features, features), coverage(features + 100, features)
    (1.0, 0.0)
    """
    return float(coverage_of_each(fake, real, k).mean())


def precision_of_each(fake: Tensor, real: Tensor, k: int = NEAREST) -> Tensor:
    """1 for each of the N fakes that ``precision`` counts, else 0: float64."""
    return (_distances(fake, real) <= _radii(real, k)[None]).any(1).double()


def recall_of_each(fake: Tensor, real: Tensor, k: int = NEAREST) -> Tensor:
    """1 for each of the M reals that ``recall`` counts, else 0: float64."""
    return precision_of_each(real, fake, k)


def density_of_each(fake: Tensor, real: Tensor, k: int = NEAREST_COVERAGE) -> Tensor:
    """What each of the N fakes adds to ``density``: float64."""
    return (_distances(fake, real) <= _radii(real, k)[None]).double().sum(1) / k


def coverage_of_each(fake: Tensor, real: Tensor, k: int = NEAREST_COVERAGE) -> Tensor:
    """1 for each of the M reals that ``coverage`` counts, else 0: float64."""
    return (_distances(real, fake).amin(1) <= _radii(real, k)).double()


def _distances(first: Tensor, second: Tensor) -> Tensor:
    check_features(first, second)
    return torch.cdist(first.double(), second.double())


def _radii(features: Tensor, k: int) -> Tensor:
    """The distance of each feature to its k-th neighbour, itself not counted."""
    if not 1 <= k < len(features):
        raise ConfigError(f"{len(features)} pictures have no {k}-th neighbour: give more pictures, or a smaller k.")
    return _distances(features, features).fill_diagonal_(0).kthvalue(k + 1, dim=1).values


SETS = ("output_features", "target_features")
PRECISION = Measure(
    precision,
    SETS,
    better="higher",
    over="set",
    each=precision_of_each,
    summary="Share of outputs that look like the target domain",
)
RECALL = Measure(
    recall,
    SETS,
    better="higher",
    over="set",
    each=recall_of_each,
    summary="Share of the target domain that outputs reach",
)
DENSITY = Measure(
    density,
    SETS,
    better="higher",
    over="set",
    each=density_of_each,
    summary="How densely outputs lie among the target domain",
)
COVERAGE = Measure(
    coverage,
    SETS,
    better="higher",
    over="set",
    each=coverage_of_each,
    summary="Share of the target domain with an output near it",
)
