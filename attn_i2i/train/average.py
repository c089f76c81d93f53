"""A moving average of networks, which costs a step no waiting for the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..interfaces import Recipe
from .options import TrainOptions

COUNT, MODULE = "n_averaged", "module."  # in checkpoints, as torch's AveragedModel names them
LITTLE = 0.995  # measured on short trainings (docs/training.md); their last 200 steps are most of such an average


def averaged(options: TrainOptions, recipe: Recipe) -> TrainOptions:
    """The options with the decay of the average, where they leave it to the recipe: few pictures call for one."""
    if options.ema is not None:
        return options
    little = any(recipe.options.get(name) for name in ("augment", "r1"))
    return replace(options, ema=LITTLE if little else 0.0)


class MovingAverage:
    """Networks whose weights and buffers follow those of others: decay * average + (1 - decay) * weights.

    The first update copies. The numbers, and what checkpoints hold, are those of torch's AveragedModel. That class
    copies its counter to the device at every update, and the host waits for the device then; this one does not.
    """

    def __init__(self, networks: nn.Module, decay: float) -> None:
        self.module = deepcopy(networks).requires_grad_(False)
        self.updates = 0
        self._formula = get_ema_multi_avg_fn(decay)

    @torch.no_grad()
    def update(self, networks: nn.Module) -> None:
        """Take in the weights and buffers that ``networks`` have now."""
        groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
        for average, current in zip(_tensors(self.module), _tensors(networks), strict=True):
            averages, currents = groups[average.dtype]
            averages.append(average)
            currents.append(current)
        for averages, currents in groups.values():
            if self.updates:
                self._formula(averages, currents, self.updates)
            else:
                torch._foreach_copy_(averages, currents)
        self.updates += 1

    def state_dict(self) -> dict[str, Tensor]:
        """The number of updates, and the average."""
        module = {MODULE + name: tensor for name, tensor in self.module.state_dict().items()}
        return {COUNT: torch.tensor(self.updates), **module}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state_dict``'s answer."""
        self.updates = int(state[COUNT])
        module = {name.removeprefix(MODULE): tensor for name, tensor in state.items() if name != COUNT}
        self.module.load_state_dict(module)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return (tensor.detach() for tensor in chain(module.parameters(), module.buffers()))
