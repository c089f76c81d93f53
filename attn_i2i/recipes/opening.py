"""Masks that open: a light cycle term first, a heavier one afterwards, in one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from ..interfaces import Objective, Recipe, Update
from ..losses import cycle, identity
from ..masks import foreground
from ..types import ConfigError, Translation
from .schedule import Ramp
from .wrapped import WrappedRecipe


@dataclass(frozen=True)
class OpeningOptions:
    """``opening_cycle`` is the weight of the cycle term at first; null leaves the weights as they are.

    Up to the share ``opening_until`` of the training that weight holds, and there is no identity term. From
    ``opening_from`` on the objective's own weights hold. In between the cycle's weight grows by a constant factor a
    step.
    """

    opening_cycle: float | None = None
    opening_until: float = 0.4
    opening_from: float = 0.6

    def checked(self, recipe: str, given: Mapping[str, Any]) -> OpeningOptions:
        """The options, of which ``given`` were. Raises ConfigError for one out of its range or without effect."""
        if not 0 <= self.opening_until <= self.opening_from <= 1:
            raise ConfigError(
                f"{recipe}: opening_until={self.opening_until} and opening_from={self.opening_from} were given:"
                " expected shares of the training from 0 to 1, the second not below the first."
            )
        if self.opening_cycle == 0:
            raise ConfigError(f"{recipe}: opening_cycle=0 was given: expected a weight above 0, or null for none.")
        for option in ("opening_until", "opening_from"):
            if option in given and self.opening_cycle is None:
                raise ConfigError(f"{recipe}: {option} was given without effect: it needs preset=open.")
        return self

    def stored(self) -> dict[str, Any]:
        """The options as a run stores them: those without effect are left out, so that older runs go on."""
        names = [field.name for field in fields(self)] if self.opening_cycle is not None else ["opening_cycle"]
        return {name: getattr(self, name) for name in names}


class OpeningRecipe(WrappedRecipe):
    """A recipe whose terms ``cycle`` and ``identity`` weigh little at first, so that masks open.

    Returning the input satisfies both terms. At their full weight masks close before the discriminators know the other
    domain; at a light one they open. The full weight afterwards makes the pictures true. The recipe inside reads its
    ``objective`` at every step. Losses get ``weight_cycle`` and ``mask_A2B``, the mean of the mask of what changed.
    Raises ConfigError where there is no cycle term or no mask.
    """

    def __init__(self, name: str, inner: Recipe, options: OpeningOptions) -> None:
        super().__init__(inner)
        self.name = name
        self.objective: Objective = dict(getattr(inner, "objective", {}))
        if "cycle" not in self.objective or self.objective["cycle"][1] is not cycle:
            raise ConfigError(f"{name}: preset=open makes the cycle term light at first, and there is none.")
        assert options.opening_cycle is not None
        self.ramp = Ramp(options.opening_cycle, self.objective["cycle"][0], options.opening_until, options.opening_from)
        self._step, self._length = 0, 0
        self._masks: dict[str, Tensor] = {}
        for way, key in self.layout.generators.items():
            self.networks[key].register_forward_hook(lambda _, __, made, way=way: self._look(way, made))

    def _look(self, way: str, made: object) -> None:
        """Note the mask of the first pass of a step, which is of the source."""
        if not isinstance(made, Translation) or way in self._masks:
            return
        if made.attention is None:
            raise ConfigError(
                f"{self.name}: preset=open opens masks, and the generator"
                f" {self.layout.architecture or way} has none: leave it out, or choose another generator."
            )
        self._masks[way] = foreground(made).detach().float().mean()

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step``; being asked is also how the recipe learns how far the training is."""
        self._step, self._length = step, self.total_steps(steps_per_epoch)
        return super().learning_rate(step, steps_per_epoch)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """A step of the recipe inside, with the weights of now."""
        weight = self.ramp.value(self._step, self._length)
        light = self._step < self.ramp.until * self._length
        inner: Any = self.inner
        inner.objective = {
            name: (weight if name == "cycle" else own, term)
            for name, (own, term) in self.objective.items()
            if not (light and term is identity)
        }
        self._masks.clear()
        losses = self.inner.step(batch, update)
        like = next(iter(losses.values()))
        self._step += 1
        return {
            **losses,
            "weight_cycle": like.new_tensor(weight),
            **{f"mask_{way}": value for way, value in self._masks.items()},
        }

    def own_state(self) -> dict[str, Any]:
        """How far the training is."""
        return {"step": self._step, "length": self._length}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Continue where ``own_state`` was taken."""
        self._step, self._length = state["step"], state["length"]
