"""A recipe around another one: all that the other answers, but for what a wrapper changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ..interfaces import Layout, Recipe, Update


class WrappedRecipe:
    """Passes everything on to ``inner``, whose networks, layout and options are its own.

    What a wrapper remembers is its ``own_state``, which is stored beside that of ``inner``.
    """

    def __init__(self, inner: Recipe) -> None:
        self.inner = inner
        self.networks: nn.ModuleDict = inner.networks
        self.layout: Layout = inner.layout
        self.options: Mapping[str, Any] = inner.options
        self.boundary: float | None = getattr(inner, "boundary", None)

    def optimizers(self) -> dict[str, Optimizer]:
        """Those of the recipe inside."""
        return self.inner.optimizers()

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """A step of the recipe inside."""
        return self.inner.step(batch, update)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of the recipe inside."""
        return self.inner.learning_rate(step, steps_per_epoch)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training of the recipe inside."""
        return self.inner.total_steps(steps_per_epoch)

    def on_epoch(self, epoch: int) -> None:
        """Passed on."""
        self.inner.on_epoch(epoch)

    def own_state(self) -> dict[str, Any]:
        """What this wrapper remembers."""
        return {}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Continue where ``own_state`` was taken."""

    def state_dict(self) -> dict[str, Any]:
        """What both remember."""
        return {"inner": self.inner.state_dict(), "own": self.own_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where ``state`` was taken."""
        self.inner.load_state_dict(state["inner"])
        self.load_own_state(state["own"])
