"""TensorFlow's RMSProp."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class RMSProp(Optimizer):
    """RMSProp whose mean of squares begins at one, with epsilon inside the root (torch's differs in both).

    ``clip`` holds every parameter within [-clip, clip] after each step, as the Wasserstein GAN's critic needs
    (Arjovsky et al., arXiv:1701.07875, algorithm 1).
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, decay: float, epsilon: float, clip: float | None = None
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "epsilon": epsilon, "clip": clip})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
                if group["clip"] is not None:
                    parameter.clamp_(-group["clip"], group["clip"])

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, decay = parameter.grad, group["decay"]
        assert gradient is not None
        state = self.state[parameter]
        if not state:
            state["mean_square"] = torch.ones_like(parameter)
        mean = state["mean_square"].mul_(decay).addcmul_(gradient, gradient, value=1 - decay)
        parameter.sub_(group["lr"] * gradient / (mean + group["epsilon"]).sqrt())
