"""Soft AdaLIN: U-GAT-IT's AdaLIN steered by the style of the whole picture and by the content of one encoder block."""

from __future__ import annotations

import torch
from attn_i2i.blocks import layer_instance_norm
from attn_i2i.blocks.convolution import Conv2d
from torch import Tensor, nn


class SoftAdaLIN(nn.Module):
    """(B, C, H, W), content and style (B, C) to the normalised map.

    Gamma and beta are mixed from both by learnt ratios, one a channel; ratios and rho are kept in [0, 1].
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.full((channels,), 0.9))
        self.gamma_ratio = nn.Parameter(torch.zeros(channels))
        self.beta_ratio = nn.Parameter(torch.zeros(channels))
        self.content_gamma, self.content_beta = _perceptron(channels), _perceptron(channels)
        self.style_gamma, self.style_beta = nn.Linear(channels, channels), nn.Linear(channels, channels)

    def forward(self, x: Tensor, content: Tensor, style: Tensor) -> Tensor:
        gamma = self.style_gamma(style).lerp(self.content_gamma(content), self.gamma_ratio.clamp(0, 1))
        beta = self.style_beta(style).lerp(self.content_beta(content), self.beta_ratio.clamp(0, 1))
        return layer_instance_norm(x, self.rho.clamp(0, 1), gamma, beta)


def _perceptron(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels))


class SoftAdaLINBlock(nn.Module):
    """A residual block whose two norms are soft AdaLINs: (B, C, H, W), content and style (B, C) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv2d(channels, channels, 3, padding_mode="reflect", bias=False)
        self.second = Conv2d(channels, channels, 3, padding_mode="reflect", bias=False)
        self.first_norm, self.second_norm = SoftAdaLIN(channels), SoftAdaLIN(channels)

    def forward(self, x: Tensor, content: Tensor, style: Tensor) -> Tensor:
        y = self.first_norm(self.first(x), content, style).relu()
        return x + self.second_norm(self.second(y), content, style)
