"""Hourglass stages: a picture seen at five resolutions, drawn in between and added again (after arXiv:1603.06937)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from attn_i2i.blocks.instance_norm import InstanceNorm2d
from torch import Tensor, nn

LEVELS = 4  # halvings, as released


class Unit(nn.Module):
    """Three 3x3 convolutions whose answers together are as wide as the input, which passes around them.

    >>> Unit(8)(torch.zeros(1, 8, 6, 6)).shape
    torch.Size([1, 8, 6, 6])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        sizes = ((channels, half), (half, quarter), (quarter, quarter))
        self.convs = nn.ModuleList(
            nn.Sequential(
                InstanceNorm2d(a), nn.ReLU(), nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect", bias=False)
            )
            for a, b in sizes
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = [x]
        for conv in self.convs:
            parts.append(conv(parts[-1]))
        return x + torch.cat(parts[1:], 1)


class Hourglass(nn.Module):
    """Four halvings by averages and four doublings, with a skip at each: (B, C, H, W) to the same shape.

    H and W are multiples of 16, and at least 32: the reflection at the bottom needs two pixels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.skips = nn.ModuleList(Unit(channels) for _ in range(LEVELS))
        self.lows = nn.ModuleList(Unit(channels) for _ in range(LEVELS))
        self.bottom = Unit(channels)
        self.ups = nn.ModuleList(Unit(channels) for _ in range(LEVELS))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for skip, low in zip(self.skips, self.lows, strict=True):
            skips.append(skip(x))
            x = low(F.avg_pool2d(x, 2))
        x = self.bottom(x)
        for up in reversed(self.ups):
            x = skips.pop() + F.interpolate(up(x), scale_factor=2)
        return x


class Stage(nn.Module):
    """An hourglass that draws a small picture of ``colours`` channels; all but the ``last`` fold it into the features.

    >>> Stage(8, last=True)(torch.zeros(1, 8, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(self, channels: int, colours: int = 3, *, last: bool = False) -> None:
        super().__init__()
        self.hourglass, self.unit = Hourglass(channels), Unit(channels)
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = InstanceNorm2d(channels)
        self.draw = nn.Conv2d(channels, colours, 1)
        self.features = None if last else nn.Conv2d(channels, channels, 1)
        self.fold = None if last else nn.Conv2d(colours, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.norm(self.mix(self.unit(self.hourglass(x)))).relu()
        drawn: Tensor = self.draw(hidden)
        if self.features is None or self.fold is None:
            return drawn
        return x + self.features(hidden) + self.fold(drawn)
