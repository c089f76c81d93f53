"""The options, the optimizers and the schedule of DRIT's training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from attn_i2i.recipes import AdamOptions
from torch import Tensor, nn
from torch.optim import Adam

from ..attention import AttentionOptions


class ClippedAdam(Adam):
    """Adam on gradients whose joint norm is held below ``limit``."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, limit: float, **options: Any) -> None:
        super().__init__(parameters, **options)
        self.limit = limit

    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(parameters, self.limit)
        return super().step(closure)


@dataclass(frozen=True)
class DRITOptions(AttentionOptions, AdamOptions):
    """``width`` is that of all networks. The further weights are of contents and attributes.

    ``latent`` weighs drawn attributes that are found again, ``mode_seeking`` how little two of them differ in the
    picture (0 draws only one). Every ``d_iter``-th step is a full one. The content discriminator learns at
    ``content_rate`` times the rate, from gradients whose norm is at most ``content_clip``. The rate falls after
    ``decay_from`` of ``epochs``. ``stale`` follows the release: its second update of a step sees the weights that the
    first one left, and the activations from before it.
    """

    width: int = 64
    content_adversarial: float = 1.0
    kl_content: float = 0.01
    kl_attribute: float = 0.01
    latent: float = 10.0
    mode_seeking: float = 1.0
    d_iter: int = 3
    content_rate: float = 0.4
    content_clip: float = 5.0
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    epochs: int = 1200
    decay_from: int = 600
    decay: Literal["linear", "step"] = "linear"
    stale: bool = False


@dataclass(frozen=True)
class LongSchedule:
    """``rate`` until ``decay_from`` epochs are finished; then linear to the end, or a tenth at each multiple of it."""

    rate: float
    epochs: int
    decay_from: int
    policy: Literal["linear", "step"]

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        finished = step // max(1, steps_per_epoch)
        if self.policy == "step":
            return self.rate * float(0.1 ** (finished // max(1, self.decay_from)))
        return self.rate * max(0.0, 1 - max(0, finished - self.decay_from) / (self.epochs - self.decay_from + 1))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self.epochs * steps_per_epoch


def tied(modules: Iterable[nn.Module]) -> nn.ParameterList:
    """Every parameter of ``modules`` once, though several of them share it."""
    return nn.ParameterList(dict.fromkeys(parameter for module in modules for parameter in module.parameters()))


def linear(gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    """A loss that has these gradients: an update takes a loss, and here two updates come from one graph."""
    products = [(p * g.detach()).sum() for p, g in zip(parameters, gradients, strict=True) if g is not None]
    return torch.stack(products).sum()
