"""Statistics that respect that answers of one rater, and answers about one picture, belong together."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import torch
from torch import Tensor

RESAMPLES = 1000
"""Enough that a bootstrapped deviation is known to some 2 %."""
ROUNDS = 200
"""Steps of the fit of strengths: it converges linearly, and ten models need some dozens."""
PRIOR = 0.1
"""Wins that each model is given against each other: a model that always wins keeps a finite strength."""
CHUNK = 2_000_000
"""Weights of answers at once: 16 MB, however many answers there are."""


class Interval(NamedTuple):
    """An estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class StandardErrors(NamedTuple):
    """Standard errors (S,) and the degrees of freedom (S,) that each is known with."""

    deviation: Tensor
    freedom: list[int]


def two_way_spread(
    statistic: Callable[[Tensor], Tensor],
    raters: Tensor,
    pictures: Tensor,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> StandardErrors:
    """Standard errors of a statistic of N answers that are clustered by rater and, crosswise, by picture.

    ``statistic`` maps weights (B, N) of the answers to (B, S) values; ``raters`` and ``pictures`` (N,) number them.
    Three variances are bootstrapped: over raters, over pictures, and over the cells of both (Cameron, Gelbach and
    Miller 2011). The variance is the first plus the second minus the third, and no less than the third. Its degrees of
    freedom are the raters or the pictures, whichever are fewer, less one. If neither raters nor pictures differ by more
    than chance, the variance is the third, and its degrees of freedom are the cells less one.
    """
    generator = torch.Generator().manual_seed(seed)
    cells = torch.unique(torch.stack([raters, pictures]), dim=1, return_inverse=True)[1]
    by_rater, by_picture, by_cell = (
        _variance(statistic, clusters, resamples, generator) for clusters in (raters, pictures, cells)
    )
    crossed = by_rater + by_picture - by_cell
    clusters = min(len(raters.unique()), len(pictures.unique()))
    freedom = [len(cells.unique()) - 1 if floored else clusters - 1 for floored in (crossed < by_cell).tolist()]
    return StandardErrors(torch.maximum(crossed, by_cell).sqrt(), freedom)


def _variance(
    statistic: Callable[[Tensor], Tensor], clusters: Tensor, resamples: int, generator: torch.Generator
) -> Tensor:
    count, parts = int(clusters.max()) + 1, []
    at_once = max(1, CHUNK // len(clusters))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = torch.randint(count, (rows, count), generator=generator)
        weights = torch.zeros(rows, count, dtype=torch.float64)
        weights.scatter_add_(1, drawn, torch.ones(rows, count, dtype=torch.float64))
        parts.append(statistic(weights[:, clusters]))
    values = torch.cat(parts)
    usable = values.isfinite().all(1)  # a resample may leave a pair of models without an answer
    return values[usable].var(0) * count / max(count - 1, 1)


def t_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution, to three digits from 3 degrees of freedom on (Cornish-Fisher).

    >>> round(t_quantile(0.975, 10), 2)
    2.23
    """
    z, v = NormalDist().inv_cdf(probability), max(freedom, 1)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / v ** (power + 1) for power, term in enumerate(terms))


def share_interval(
    wins: Tensor, raters: Tensor, pictures: Tensor, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """The mean of ``wins`` (N,) in [0, 1] and its 95 % interval over raters and pictures that were met by chance.

    The interval is Student's on the scale of the logit, with the degrees of freedom of ``two_way_spread``. Where all
    answers are one, it is that of as many answers as there are raters.
    """
    wins = wins.double()
    share = float(wins.mean())
    clusters = min(len(raters.unique()), len(pictures.unique()))
    if float(wins.min()) == float(wins.max()) and share in (0.0, 1.0):
        edge = 0.025 ** (1 / len(raters.unique()))
        return Interval(share, 0.0, 1 - edge) if share == 0 else Interval(share, edge, 1.0)
    if clusters < 2:
        return Interval(share, 0.0, 1.0)

    def mean(weights: Tensor) -> Tensor:
        return (weights @ wins / weights.sum(1))[:, None]

    spread = two_way_spread(mean, raters, pictures, seed=seed, resamples=resamples)
    half = t_quantile(0.975, spread.freedom[0]) * float(spread.deviation[0]) / (share * (1 - share))
    centre = torch.logit(torch.tensor(share, dtype=torch.float64))
    low, high = torch.sigmoid(centre - half), torch.sigmoid(centre + half)
    return Interval(share, float(low), float(high))


def strengths(wins: Tensor) -> Tensor:
    """Bradley-Terry strengths (..., K), natural logarithms of mean 0, from wins (..., K, K) of row over column.

    Hunter 2004's minorization-maximization; a tie is half a win for both. PRIOR wins are added to each pair.

    >>> strengths(torch.tensor([[0.0, 30.0], [10.0, 0.0]])).diff().abs() < 1.1
    tensor([True])
    """
    wins = wins.double() + PRIOR * (1 - torch.eye(wins.shape[-1], dtype=torch.float64))
    games, won = wins + wins.transpose(-1, -2), wins.sum(-1)
    strength = torch.ones_like(won)
    for _ in range(ROUNDS):
        strength = won / (games / (strength[..., :, None] + strength[..., None, :])).sum(-1)
        strength = strength / strength.log().mean(-1, keepdim=True).exp()
    return strength.log()


def win_table(left: Tensor, right: Tensor, wins: Tensor, count: int) -> Tensor:
    """How often each of ``count`` models was chosen over each other one, (K, K), from answers as above."""
    table = torch.zeros(count * count, dtype=torch.float64)
    table.index_add_(0, left * count + right, wins.double())
    table.index_add_(0, right * count + left, 1 - wins.double())
    return table.reshape(count, count)


def separated(wins: Tensor) -> bool:
    """Whether a group of models never lost to the others in (K, K) ``wins``: no finite strengths fit (Ford 1957).

    >>> separated(torch.tensor([[0.0, 3.0], [0.0, 0.0]])), separated(torch.tensor([[0.0, 3.0], [1.0, 0.0]]))
    (True, False)
    """
    reached = (wins > 0).double() + torch.eye(len(wins), dtype=torch.float64)
    for _ in range(len(wins)):
        reached = (reached @ reached > 0).double()
    return not bool((reached > 0).all())


def strength_intervals(
    left: Tensor, right: Tensor, wins: Tensor, count: int, raters: Tensor, pictures: Tensor, *, seed: int = 0
) -> list[Interval]:
    """Bradley-Terry strengths of ``count`` models with 95 % intervals, from answers between two of them.

    ``left`` and ``right`` (N,) number the models, ``wins`` (N,) is 1 where the left one was chosen, 0.5 for a tie.
    Intervals are infinite where ``separated`` says so: the strengths are the prior's then, and their spread too.
    """
    wins = wins.double()

    def fitted(weights: Tensor) -> Tensor:
        table = torch.zeros(len(weights), count * count, dtype=torch.float64)
        table.index_add_(1, left * count + right, weights * wins)
        table.index_add_(1, right * count + left, weights * (1 - wins))
        return strengths(table.reshape(-1, count, count))

    values = fitted(torch.ones(1, len(wins), dtype=torch.float64))[0]
    clusters = min(len(raters.unique()), len(pictures.unique()))
    if clusters < 2 or separated(win_table(left, right, wins, count)):
        return [Interval(float(value), float("-inf"), float("inf")) for value in values]
    spread = two_way_spread(fitted, raters, pictures, seed=seed)
    half = torch.tensor([t_quantile(0.975, freedom) for freedom in spread.freedom]) * spread.deviation
    return [Interval(float(v), float(v - h), float(v + h)) for v, h in zip(values, half, strict=True)]
