"""TensorFlow's Adam as one optimizer that several updates take turns with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class TurnAdam(Optimizer):
    """One of ``turns`` updates that share one Adam, whose bias correction counts the steps of all.

    Mejjati et al. apply one AdamOptimizer four times a step, so t = turns * step + turn with ``turn`` from 1 on.
    As TensorFlow does, epsilon is added to the uncorrected root, and the constants and the running powers of beta are
    float32 values.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.5, 0.999),
        eps: float = 1e-8,
        *,
        turn: int = 1,
        turns: int = 1,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "turns": turns}
        defaults["powers"] = _advanced((1.0, 1.0), betas, turn)
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            used = [parameter for parameter in group["params"] if parameter.grad is not None]
            if used:
                self._update(used, group)
            group["powers"] = _advanced(group["powers"], group["betas"], group["turns"])
        return loss

    def _update(self, used: list[Tensor], group: dict[str, Any]) -> None:
        lr, eps = float(np.float32(group["lr"])), float(np.float32(group["eps"]))
        beta1, beta2 = (float(np.float32(beta)) for beta in group["betas"])
        power1, power2 = group["powers"]
        gradients = [parameter.grad for parameter in used if parameter.grad is not None]
        first, second = self._moments(used, "first"), self._moments(used, "second")
        torch._foreach_mul_(first, beta1)
        torch._foreach_add_(first, gradients, alpha=1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        roots = torch._foreach_sqrt(second)
        torch._foreach_add_(roots, eps)
        torch._foreach_addcdiv_(used, first, roots, -lr * (1 - power2) ** 0.5 / (1 - power1))

    def _moments(self, used: list[Tensor], name: str) -> list[Tensor]:
        for parameter in used:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter)
        return [self.state[parameter][name] for parameter in used]


def _advanced(powers: tuple[float, float], betas: tuple[float, float], times: int) -> tuple[float, float]:
    """``powers`` multiplied ``times`` times by ``betas``, each product rounded to float32."""
    power1, power2 = (np.float32(power) for power in powers)
    for _ in range(times):
        power1, power2 = power1 * np.float32(betas[0]), power2 * np.float32(betas[1])
    return float(power1), float(power2)
