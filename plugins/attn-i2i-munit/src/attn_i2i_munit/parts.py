"""What MUNIT adds to a ResNet: a style encoder, and layers whose statistics a style sets."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def reflecting(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution padded by reflection so that only its stride changes the size."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, padding_mode="reflect")


class StyleEncoder(nn.Sequential):
    """(B, 3, H, W) images, H and W from 16 on, to (B, style_dim) styles: no norm, for that would erase the style."""

    def __init__(self, width: int, style_dim: int) -> None:
        channels = [3, width, 2 * width, 4 * width, 4 * width, 4 * width]
        convs: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(channels)):
            convs += [reflecting(a, b, 4, 2) if i else reflecting(a, b, 7), nn.ReLU(inplace=True)]
        super().__init__(*convs, nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], style_dim, 1), nn.Flatten())


class AdaINBlock(nn.Module):
    """A residual block whose two instance norms are scaled and shifted from outside (equation 7)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = reflecting(channels, channels, 3), reflecting(channels, channels, 3)

    def forward(self, x: Tensor, style: tuple[Tensor, ...]) -> Tensor:
        """``style`` is the shift and scale of the first norm, then of the second, each (B, C, 1, 1)."""
        hidden = F.relu(torch.addcmul(style[0], F.instance_norm(self.first(x)), style[1]))
        return x + torch.addcmul(style[2], F.instance_norm(self.second(hidden)), style[3])


class LayerNorm(nn.Module):
    """Normalise over C, H and W of each image by the unbiased deviation plus 1e-5; one scale and shift a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        deviation, mean = torch.std_mean(x, (1, 2, 3), keepdim=True)
        scale = self.gamma[:, None, None] / (deviation + 1e-5)
        return torch.addcmul(self.beta[:, None, None], x - mean, scale)


def up(in_channels: int, out_channels: int) -> nn.Sequential:
    """Double the resolution: nearest neighbours, a 5x5 convolution, layer norm, ReLU."""
    conv = reflecting(in_channels, out_channels, 5)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv, LayerNorm(out_channels), nn.ReLU(inplace=True))
