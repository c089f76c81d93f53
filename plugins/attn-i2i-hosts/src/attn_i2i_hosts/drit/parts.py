"""What DRIT's networks are made of; all padding is by reflection but for the transposed convolutions'."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from attn_i2i.blocks import LIN, Down, ResBlock
from torch import Tensor, nn

from ..unit.parts import Up, reflecting

SLOPE = 0.01  # of the leaky ReLU in L-blocks; the attribute encoder's is 0.2
STRIDE = 4  # the content encoder halves its picture twice


class ContentEncoder(nn.Module):
    """One domain's own part of the content encoder: (B, C, H, W) to (B, 4 * width, H/4, W/4)."""

    def __init__(self, width: int, in_channels: int) -> None:
        super().__init__()
        self.first = reflecting(in_channels, width, 7)
        self.down = nn.Sequential(*(Down(c, 2 * c, padding="reflect") for c in (width, 2 * width)))
        self.blocks = nn.Sequential(*(ResBlock(4 * width) for _ in range(3)))

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.down(F.leaky_relu(self.first(image), SLOPE)))


class LayerNorm(nn.Module):
    """Normalise over C, H and W of each image by the biased variance plus 1e-5; one scale and shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[1:]) * self.weight + self.bias


def up(in_channels: int, out_channels: int, norm: Callable[[int], nn.Module] = LayerNorm) -> nn.Sequential:
    """Double the resolution: transposed convolution, layer norm, ReLU."""
    conv = nn.ConvTranspose2d(in_channels, out_channels, 3, 2, 1, 1)
    return nn.Sequential(conv, norm(out_channels), nn.ReLU(inplace=True))


def up_for(adalin: bool) -> Up:
    """``up`` with LIN in the place of its layer norm beside AdaLIN (U-GAT-IT, figure 2)."""
    return partial(up, norm=LIN) if adalin else up


class PoolingBlock(nn.Module):
    """Two convolutions beside a shortcut, both ways ending at half the resolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first, self.second = reflecting(in_channels, in_channels, 3), reflecting(in_channels, out_channels, 3)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.second(F.leaky_relu(self.first(F.leaky_relu(x, 0.2)), 0.2))
        return F.avg_pool2d(hidden, 2) + self.shortcut(F.avg_pool2d(x, 2))


class AttributeDistribution(nn.Module):
    """(B, C, H, W), sides from 32 on, to mean and log-variance (B, size) of its attribute (variant "concat")."""

    def __init__(self, width: int, size: int, in_channels: int) -> None:
        super().__init__()
        self.first = reflecting(in_channels, width, 4, 2)
        self.blocks = nn.Sequential(*(PoolingBlock(i * width, (i + 1) * width) for i in (1, 2, 3)))
        self.mean, self.log_variance = nn.Linear(4 * width, size), nn.Linear(4 * width, size)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        code = F.leaky_relu(self.blocks(self.first(image)), 0.2).mean((2, 3))
        return self.mean(code), self.log_variance(code)


class AttributeEncoder(nn.Sequential):
    """(B, C, H, W), sides from 32 on, to its attribute (B, size) (variant "feature")."""

    def __init__(self, width: int, size: int, in_channels: int) -> None:
        channels = [in_channels, width, 2 * width, 4 * width, 4 * width, 4 * width]
        convs: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(channels)):
            convs += [reflecting(a, b, 4, 2) if i else reflecting(a, b, 7), nn.ReLU(inplace=True)]
        super().__init__(*convs, nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], size, 1), nn.Flatten())


def spread(attribute: Tensor, over: Tensor) -> Tensor:
    """(B, N) numbers as (B, N, H, W), the same at every place of ``over``."""
    return attribute[:, :, None, None].expand(-1, -1, *over.shape[2:])
