"""What DiscoGAN's networks are made of: 4x4 convolutions without bias, each behind it a batch norm."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch.nn.functional as F
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

Statistics = Literal["running", "batch"]
SLOPE = 0.2  # of every leaky ReLU


class BatchNorm(nn.BatchNorm2d):
    """Batch norm whose scales begin in (0, 1), as PyTorch drew them in 2017.

    With ``statistics`` "batch" it normalises by the batch at hand in evaluation too, as the release always does. A
    batch of which one value a channel is left has no deviation: a ShapeError.
    """

    def __init__(self, channels: int, statistics: Statistics = "running") -> None:
        if statistics not in ("running", "batch"):
            raise ConfigError(f"DiscoGAN: statistics={statistics!r} was given, expected 'running' or 'batch'.")
        super().__init__(channels)
        self.statistics = statistics
        nn.init.uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training and self.statistics == "running":
            return super().forward(x)
        if x.numel() == x.shape[1]:
            raise ShapeError(
                "DiscoGAN normalises by the pictures of a batch here, and one picture of this size leaves it a single"
                " pixel: give two pictures or more at once, or larger ones"
                + (" (batch_size=2)." if self.training else ", or take a model with statistics=running.")
            )
        if self.training:
            return super().forward(x)
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


def down(a: int, b: int, statistics: Statistics = "running", *, stride: int = 2) -> nn.Sequential:
    """Halve the resolution, or, with stride 1, take three pixels off both sides; leaky ReLU."""
    conv = drawn(nn.Conv2d(a, b, 4, stride, stride - 1, bias=False))
    norm, activation = BatchNorm(b, statistics), nn.LeakyReLU(SLOPE)
    return nn.Sequential(OrderedDict(conv=conv, norm=norm, activation=activation))


def up(a: int, b: int, statistics: Statistics = "running", *, stride: int = 2) -> nn.Sequential:
    """The reverse of ``down``, with ReLU."""
    conv = drawn(nn.ConvTranspose2d(a, b, 4, stride, stride - 1, bias=False))
    return nn.Sequential(OrderedDict(conv=conv, norm=BatchNorm(b, statistics), activation=nn.ReLU()))


def drawn(conv: nn.Conv2d | nn.ConvTranspose2d) -> nn.Conv2d | nn.ConvTranspose2d:
    """``conv`` with weights as PyTorch drew them in 2017: uniform up to 1 / sqrt(inputs of one output)."""
    bound = (conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]) ** -0.5
    nn.init.uniform_(conv.weight, -bound, bound)
    return conv
