"""A small training; run as a module in two processes, this file is one of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from attn_i2i.interfaces import Layout, Update
from attn_i2i.train import Engine, TrainOptions
from attn_i2i.train.engine import make_accelerator

STEPS, ACCUMULATION = 3, 2


class TinyRecipe:
    """Two updates on a shared forward pass; plain SGD, so that gradients show in the weights unscaled."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.networks = nn.ModuleDict({"G_A2B": nn.Conv2d(3, 3, 3, padding=1), "D_B": nn.Conv2d(3, 1, 3)})
        self.layout = Layout("", {}, {"A2B": "G_A2B"}, "", {}, {"B": "D_B"})
        self.options: dict[str, Any] = {}

    def optimizers(self) -> dict[str, Optimizer]:
        """One for each network."""
        return {name: SGD(self.networks[key].parameters(), 0.05) for name, key in (("G", "G_A2B"), ("D", "D_B"))}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """The generator first; its loss also reaches the discriminator's weights, which must not keep it."""
        fake = self.networks["G_A2B"](batch["A"])
        generator = (self.networks["D_B"](fake) - 1).square().mean() + (fake - batch["A"]).abs().mean()
        update("G", generator)
        discriminator = (
            self.networks["D_B"](fake.detach()).square().mean() + (self.networks["D_B"](batch["A"]) - 1).square().mean()
        )
        update("D", discriminator)
        return {"G": generator.detach(), "D": discriminator.detach()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Constant."""
        return 0.05

    def total_steps(self, steps_per_epoch: int) -> int:
        """As many as are trained here."""
        return STEPS

    def on_epoch(self, epoch: int) -> None:
        """Nothing."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""


def trained(batch_size: int) -> tuple[Engine, dict[str, Tensor]]:
    """Train on a fixed stream of pictures, this process's share of each step."""
    options = TrainOptions(device="cpu", accumulation=ACCUMULATION, batch_size=batch_size, ema=0.5)
    accelerator = make_accelerator(options)
    recipe = TinyRecipe()
    if accelerator.process_index:  # the first process's weights must win
        nn.init.zeros_(recipe.networks["G_A2B"].weight)
    engine = Engine(recipe, accelerator, options)
    source = torch.Generator().manual_seed(1)
    for _ in range(STEPS * ACCUMULATION):
        everything = torch.rand(4, 3, 8, 8, generator=source)
        start = accelerator.process_index * batch_size
        engine.micro_step({"A": everything[start : start + batch_size]})
    return engine, {
        **recipe.networks.state_dict(),
        **{f"ema.{k}": v for k, v in engine.generators.state_dict().items()},
    }


def main() -> None:
    """Be one of the processes; the first writes the weights of all."""
    _, weights = trained(batch_size=2)
    everyones: list[Any] = [None, None]
    torch.distributed.all_gather_object(everyones, weights)
    if torch.distributed.get_rank() == 0:
        torch.save(everyones, sys.argv[1])
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
