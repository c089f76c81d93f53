"""An AttentionGAN II without discriminators: what it should make of an image is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from attn_i2i.interfaces import Update
from attn_i2i.models.build import create
from attn_i2i.recipes import Layout, StepSchedule, adam, flattened, initialise, sum_of
from torch import Tensor, nn
from torch.optim import Optimizer

from .teachers import DIRECTIONS, Teachers


@dataclass(frozen=True)
class NetworkOptions:
    """``attention_kernel`` closes the attention decoder."""

    width: int = 64
    blocks: int = 9
    masks: int = 10
    background: bool = True
    attention_kernel: int = 1


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

    @property
    def decay_steps(self) -> int:
        """All of them."""
        return self.steps


class TaughtRecipe(StepSchedule, ABC):
    """Generators A2B and B2A of AttentionGAN II (arXiv:1911.11897) learn from examples by their L1 distance.

    A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]. ``options`` name the teachers by their weights, so that a
    resumed run has the same ones. Raises what `Teachers` raises.
    """

    def __init__(self, name: str, shape: NetworkOptions, training: LearningOptions) -> None:
        config = vars(shape)
        self.networks = nn.ModuleDict({f"G_{way}": initialise(create("attentiongan2", **config)) for way in DIRECTIONS})
        self.layout = Layout("attentiongan2", config, {way: f"G_{way}" for way in DIRECTIONS})
        self.teachers = Teachers(name, "teachers", training.teachers)
        self.options = flattened(shape, training) | {"teachers": self.teachers.labels}
        self._options: Any = training
        self._random = torch.Generator().manual_seed(training.seed)

    @abstractmethod
    def example(self, way: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Images and what generator ``way`` should make of them, each (B, 3, H, W)."""

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators."""
        o = self._options
        return {"G": adam(self.networks.values(), o.learning_rate, (o.beta1, o.beta2))}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        losses = {}
        for way in DIRECTIONS:
            image, wanted = self.example(way, batch)
            losses[way[0]] = F.l1_loss(self.networks[f"G_{way}"](image).image, wanted)
        update("G", sum_of(losses))
        return {name: loss.detach() for name, loss in losses.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._random.set_state(state["random"].cpu())
