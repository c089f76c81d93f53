"""UVCGAN2's generator: a U-Net around a vision transformer, whose style modulates the way up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from attn_i2i.types import ConfigError, ShapeError, Translation
from torch import Tensor, nn

from .modulation import ModulatedConv2d
from .transformer import Bottleneck

SLOPE = 0.01  # of the leaky ReLU: torch's default, as released
WIDTHS = (48, 96, 192, 384)  # channels of the four resolutions, as released


class _Down(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.halve = nn.Conv2d(out_channels, out_channels, 2, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        skip = F.leaky_relu(self.second(F.leaky_relu(self.first(x), SLOPE)), SLOPE)
        return self.halve(skip), skip


class _Up(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, style: int, gate: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.first = ModulatedConv2d(2 * in_channels, in_channels, style, gate=gate)
        self.second = ModulatedConv2d(in_channels, out_channels, style, gate=gate)

    def forward(self, x: Tensor, skip: Tensor, style: Tensor) -> Tensor:
        x = torch.cat([self.conv(F.interpolate(x, scale_factor=2)), skip], 1)
        x = F.leaky_relu(self.first(x, style), SLOPE)
        return F.leaky_relu(self.second(x, style), SLOPE)


class UVCGAN2(nn.Module):
    """UVCGAN2's generator (arXiv:2303.16280, section 3.1): (B, C, S, S) in [-1, 1] to an image of that size.

    It takes ``image_size`` x ``image_size`` pixels only, which the places of its tokens fix. The network itself works
    on [0, 1] and ends in a sigmoid. ``widths`` are the channels of each resolution, ``gates`` and ``style_gates`` say
    whether learnt scalars stand before the transformer's and the style's branches.
    """

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS,
        image_size: int = 256,
        features: int = 384,
        heads: int = 6,
        blocks: int = 12,
        hidden: int = 1536,
        embedding: int = 384,
        tokens: int = 1,
        in_channels: int = 3,
        out_channels: int = 3,
        gates: bool = True,
        style_gates: bool = True,
    ) -> None:
        super().__init__()
        if not widths or image_size % 2 ** len(widths):
            raise ConfigError(
                f"image_size={image_size} must be a multiple of {2 ** len(widths)} for {len(widths)} widths."
            )
        self.image_size, self.channels = image_size, (in_channels, out_channels)
        self.enter = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        ends = list(pairwise([widths[0], *widths]))
        self.down = nn.ModuleList(_Down(a, b) for a, b in ends)
        side = image_size // 2 ** len(widths)
        self.bottleneck = Bottleneck(widths[-1], side, features, heads, blocks, hidden, embedding, tokens, gate=gates)
        self.up = nn.ModuleList(_Up(b, a, tokens * features, style_gates) for a, b in reversed(ends))
        self.image = nn.Conv2d(widths[0], out_channels, 1)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        if image.shape[2:] != (self.image_size, self.image_size):
            raise ShapeError(
                f"This model takes {self.image_size}x{self.image_size} pixels, not {tuple(image.shape[2:])}."
            )
        x = F.leaky_relu(self.enter((image + 1) / 2), SLOPE)
        skips = []
        for down in self.down:
            x, skip = down(x)
            skips.append(skip)
        x, style = self.bottleneck(x)
        for up in self.up:
            x = up(x, skips.pop(), style)
        return Translation(2 * self.image(x).sigmoid() - 1)
