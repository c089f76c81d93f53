"""A recipe that owes this package nothing but the interface: one direction, names of its own, no discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from attn_i2i import Translation
from attn_i2i.interfaces import Layout, Update


class Masking(nn.Module):
    """Masks without contents, and an image of its own; ``strokes`` is its only option."""

    def __init__(self, strokes: int = 2) -> None:
        super().__init__()
        self.image, self.masks = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, strokes + 1, 1)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.image(image).tanh(), self.masks(image).softmax(1)[:, :-1])


class PainterRecipe:
    """Learns to leave pictures as they are."""

    def __init__(self, strokes: int = 2) -> None:
        self.networks = nn.ModuleDict({"palette": nn.Conv2d(3, 3, 1), "painter": Masking(strokes)})
        self.layout = Layout("masking-test", {"strokes": strokes}, {"B2A": "painter"})
        self.options: dict[str, Any] = {"strokes": strokes}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.SGD(self.networks.parameters(), lr=0.1)}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        fake = self.networks["painter"](batch["B"])
        loss = (self.networks["palette"](fake.image) - batch["B"]).square().mean() + fake.attention.mean()
        update("all", loss)
        return {"paint": loss.detach()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        return 0.1

    def total_steps(self, steps_per_epoch: int) -> int:
        return 2

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is nothing but the networks."""
