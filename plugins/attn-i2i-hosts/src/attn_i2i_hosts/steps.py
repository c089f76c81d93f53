"""What the recipes of several hosts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from attn_i2i import Verdict
from attn_i2i.interfaces import Objective, RoundTrip, Term
from attn_i2i.losses import at_least_float32, needs_same, values
from torch import Tensor

BOUNDARY = 0.0
"""The logit halfway between what cross entropy teaches a discriminator to say of real images and of fakes."""
PUBLISHED = ("adversarial", "cycle", "identity")
"""The terms that a host logs under names of its release."""


def draw(batch: Mapping[str, Tensor], name: str, like: Tensor) -> Tensor:
    """Standard normal numbers of the shape of ``like``: those that the batch gives under ``name``, else fresh ones."""
    return batch[name] if name in batch else torch.randn_like(like)


def weight(objective: Objective, name: str) -> float:
    """The weight of a term, 0 where the objective has none of this name."""
    return objective[name][0] if name in objective else 0.0


def further(objective: Objective, trips: Mapping[str, RoundTrip]) -> dict[str, Tensor]:
    """Terms that a user added, weighted, by name and by the key of their round trip."""
    added = {name: pair for name, pair in objective.items() if name not in PUBLISHED}
    return {
        f"{name}_{key}": added[name][0] * value
        for key, trip in trips.items()
        for name, value in values(added, trip).items()
    }


def cross_entropy(logits: Iterable[Tensor], goal: float) -> Tensor:
    """Mean binary cross entropy of the sigmoid of logits of any shape against ``goal``, summed over scales."""
    wide = [at_least_float32(each) for each in logits]
    return torch.stack([F.binary_cross_entropy_with_logits(each, torch.full_like(each, goal)) for each in wide]).sum()


def told_apart(verdicts: Iterable[Verdict], goal: float) -> Tensor:
    """Cross entropy of verdicts against ``goal``, summed over scales."""
    return cross_entropy((verdict.logits for verdict in verdicts), goal)


def fooling(trip: RoundTrip) -> Tensor:
    """Cross entropy of the verdicts on ``fake`` against real, summed over scales (Goodfellow et al., equation 3)."""
    return told_apart(trip.verdicts, 1.0)


def reads_same(objective: Objective, *without: Term) -> bool:
    """Whether a term may read ``same``, other than those of ``without`` and ``fooling``, which do not."""
    return needs_same({name: pair for name, pair in objective.items() if pair[1] not in (fooling, *without)})


def logged(*groups: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All losses by name, detached; a later group's name wins."""
    return {name: value.detach() for group in groups for name, value in group.items()}
