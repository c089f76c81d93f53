"""Raters whose preferences are known, for the statistics of a study."""

from __future__ import annotations

import torch
from torch import Tensor

from attn_i2i.evaluate.study import Answer, Answers


def preference(raters: int, pictures: int, generator: torch.Generator, *, tilt: float, spread: float) -> Tensor:
    """The chance (raters, pictures) that the first model is chosen: a logit of ``tilt``, and effects of both."""
    by_rater = spread * torch.randn(raters, 1, generator=generator)
    return torch.sigmoid(tilt + by_rater + spread * torch.randn(1, pictures, generator=generator))


def true_share(*, tilt: float, spread: float) -> float:
    """The share over all raters and pictures that there could be: an integral over a normal effect."""
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = torch.exp(-x.square() / 2)
    return float((torch.sigmoid(tilt + 2**0.5 * spread * x) * density).sum() / density.sum())


def simulated(
    raters: int, pictures: int, seed: int, *, tilt: float, spread: float, shown: float = 1.0, unsure: float = 0.1
) -> Answers:
    """Answers of raters who see a share of the pictures each, in any order of sides."""
    generator = torch.Generator().manual_seed(seed)
    chances = preference(raters, pictures, generator, tilt=tilt, spread=spread)
    answers = []
    for rater in range(raters):
        for picture in range(pictures):
            seen, first_left, choice, sure = torch.rand(4, generator=generator).tolist()
            if seen > shown:
                continue
            # "Not sure" comes as often whoever is better, so a share in which it counts half is pulled to one half.
            first = choice < float(chances[rater, picture])
            side = "unsure" if sure < unsure else ("left" if first == (first_left < 0.5) else "right")
            left, right = ("a", "b") if first_left < 0.5 else ("b", "a")
            answers.append(Answer(f"r{rater}", f"p{picture}", left, right, side))  # type: ignore[arg-type]
    names = tuple(f"r{rater}" for rater in range(raters))
    return Answers(("a", "b"), "Which?", tuple(answers), names, {})


def covered(
    runs: int, raters: int, pictures: int, *, tilt: float, spread: float, shown: float = 1.0, resamples: int = 200
) -> float:
    """How often the 95 % interval of the share holds the truth."""
    from attn_i2i.evaluate.study.result import _clusters, _win
    from attn_i2i.evaluate.study.statistics import share_interval

    unsure = 0.1
    truth = (1 - unsure) * true_share(tilt=tilt, spread=spread) + unsure / 2
    held = 0
    for run in range(runs):
        answers = simulated(raters, pictures, run, tilt=tilt, spread=spread, shown=shown, unsure=unsure).answers
        wins = torch.tensor([_win(each, "a") for each in answers])
        interval = share_interval(wins, *_clusters(answers), resamples=resamples, seed=run)
        held += interval.low <= truth <= interval.high
    return held / runs
