"""Generators without discriminators: what each should make of an image is known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from attn_i2i.interfaces import Update
from attn_i2i.recipes import AdamOptions, BaseRecipe, RecipeFactory, RecipeParts, StepSchedule, sum_of, two_adams
from torch import Tensor
from torch.optim import Optimizer

from .teachers import Teachers


@dataclass(frozen=True)
class LearningOptions:
    """``teachers`` are names or folders of models, separated by commas, that translate both ways.

    What they change counts as far as ``gain`` times a mean foreground mask reaches, at most wholly. They are shown
    images moved by up to ``shift`` pixels. The learning rate falls to 0 over all ``steps``.
    """

    teachers: str = ""
    gain: float = 10.0
    shift: int = 4
    learning_rate: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.999
    steps: int = 10_000
    seed: int = 0


class TaughtRecipe(BaseRecipe):
    """Generators A2B and B2A learn from examples by their L1 distance.

    A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]. ``options`` name the teachers by their weights, so that a
    resumed run has the same ones. Raises what `Teachers` raises.
    """

    def __init__(self, parts: RecipeParts[Any]) -> None:
        o: LearningOptions = parts.training
        super().__init__(parts, StepSchedule(o.learning_rate, o.steps, o.steps))
        self._rates = AdamOptions(o.learning_rate, beta1=o.beta1, beta2=o.beta2)
        self._gain, self._shift = o.gain, o.shift
        self.teachers = Teachers(parts.name, "teachers", o.teachers)
        parts.options["teachers"] = self.teachers.labels
        self._random = torch.Generator().manual_seed(o.seed)

    @abstractmethod
    def example(self, way: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Images and what generator ``way`` should make of them, each (B, 3, H, W)."""

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        losses = {}
        for way, key in self.layout.generators.items():
            image, wanted = self.example(way, batch)
            losses[way[0]] = F.l1_loss(self.networks[key](image).image, wanted)
        update("G", sum_of(losses))
        return {name: loss.detach() for name, loss in losses.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._random.set_state(state["random"].cpu())


def taught(
    name: str, summary: str, loop: Callable[[RecipeParts[Any]], TaughtRecipe], training: type[Any]
) -> RecipeFactory[TaughtRecipe]:
    """A recipe to register that teaches AttentionGAN II, or any generator that is given, without discriminators."""
    return RecipeFactory(
        name=name,
        summary=summary,
        loop=loop,
        training=training,
        generator="attentiongan2",
        discriminator=None,
        objective={},
        presets={"released": {}},
    )
