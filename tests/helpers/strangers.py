"""What a stranger registers: a generator, discriminators, a head, a loss term and a recipe with names of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from attn_i2i import Translation, Verdict
from attn_i2i.blocks import ConcatMasked, PatchDiscriminator, SigmoidHead
from attn_i2i.interfaces import RoundTrip

from .painter import Masking, PainterRecipe
from .registered import registering
from .trainings import ENGINE

SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 1}
ENGINE_SMALL = {**ENGINE, "steps": 1, "sample_every": 1}


def step(recipe: Any) -> dict[str, Tensor]:
    """The losses of one step of ``recipe`` on two pictures a domain."""
    batch = {name: torch.rand(2, 3, 16, 16) * 2 - 1 for name in "AB"}
    losses: dict[str, Tensor] = recipe.step(batch, lambda name, loss: loss.backward())
    return losses


class Foreign(nn.Module):
    """A stranger's generator, whose options are called as the loops' own are."""

    def __init__(self, channels: int = 4, cycle: bool = True, seed: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 3, 1))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.layers(image).tanh())


class ForeignDiscriminator(nn.Module):
    """Two scales, and no options at all."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList([nn.Conv2d(3, 1, 4, 2), nn.Conv2d(3, 1, 8, 4)])

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return tuple(Verdict(scale(image)) for scale in self.scales)


def masked_discriminator(width: int = 4) -> ConcatMasked:
    return ConcatMasked(PatchDiscriminator(4, width, 1))


def edges(trip: RoundTrip) -> Tensor:
    return (trip.fake.image.diff(dim=-1) - trip.source.diff(dim=-1)).abs().mean()


def strangers() -> AbstractContextManager[None]:
    """All of them, registered as long as the block runs."""
    return registering(
        generators={"foreign": Foreign, "masking-test": Masking},
        discriminators={"foreign": ForeignDiscriminator, "masked-test": masked_discriminator},
        heads={"stroke": partial(SigmoidHead, content_tanh=True)},
        losses={"edge-test": edges},
        recipes={"painter": PainterRecipe},
    )
