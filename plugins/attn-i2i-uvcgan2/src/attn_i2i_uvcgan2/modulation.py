"""Convolutions whose weights a style modulates (Karras et al., arXiv:1912.04958, section 2.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6  # under the root, so that nothing is divided by 0


class ModulatedConv2d(nn.Module):
    """3x3 convolution of (B, C, H, W) by weights scaled with a style (B, ``style``) per input channel.

    The answer, its bias included, is divided by the norm of the scaled weights of each output channel. ``gate`` puts
    a learnt scalar before the modulation, which starts at 0.
    """

    def __init__(self, in_channels: int, out_channels: int, style: int, *, gate: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.scale = nn.Linear(style, in_channels)
        self.gate = nn.Parameter(torch.zeros(1)) if gate else None

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        change = self.scale(style)
        scale = 1 + (change if self.gate is None else self.gate * change)
        power = self.conv.weight.square().sum((2, 3))
        norm = (F.linear(scale.square(), power) + EPSILON).rsqrt()
        answer: Tensor = self.conv(x * scale[:, :, None, None])
        return answer * norm[:, :, None, None]
