"""The normalisations that networks choose from by name, and batch-instance normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from ..types import ConfigError
from .adalin import LIN, in_unit_interval
from .instance_norm import InstanceNorm2d

Norm = Literal["instance", "instance_affine", "batch", "ln", "lin", "bin", "none"]


class BatchInstanceNorm2d(nn.Module):
    """Batch and instance normalisation mixed by a learnt ratio a channel (Nam and Kim, arXiv:1805.07925, equation 3).

    gamma * (rho * batch-normalised + (1 - rho) * instance-normalised) + beta; rho counts as far as it lies in [0, 1].
    ``rho`` is where it starts.

    >>> norm, x = BatchInstanceNorm2d(8, rho=0.0), torch.randn(2, 8, 4, 4)
    >>> torch.allclose(norm(x), nn.functional.instance_norm(x), atol=1e-5)
    True
    """

    def __init__(self, channels: int, *, rho: float = 1.0) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels, affine=False)
        self.instance = InstanceNorm2d(channels)
        self.rho = nn.Parameter(torch.full((channels,), rho))
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        rho, gamma, beta = (part[:, None, None] for part in (in_unit_interval(self.rho), self.gamma, self.beta))
        return torch.lerp(self.instance(x), self.batch(x), rho.to(x.dtype)) * gamma + beta


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "instance": lambda channels: InstanceNorm2d(channels),
    "instance_affine": lambda channels: InstanceNorm2d(channels, affine=True),
    "batch": lambda channels: nn.BatchNorm2d(channels),
    "ln": lambda channels: nn.GroupNorm(1, channels),  # over channels and pixels, with a scale a channel
    "lin": lambda channels: LIN(channels, unbiased=False),
    "bin": lambda channels: BatchInstanceNorm2d(channels),
    "none": lambda channels: nn.Identity(),
}


def make_norm(norm: str, channels: int) -> nn.Module:
    """The normalisation called ``norm``: instance statistics are always each image's own, never stored ones."""
    if norm not in NORMS:
        raise ConfigError(f"norm={norm!r} is not known: choose one of {', '.join(NORMS)}.")
    return NORMS[norm](channels)
