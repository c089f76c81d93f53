"""What MUNIT adds to UNIT: a style encoder, and blocks whose statistics a style sets."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from attn_i2i.blocks import AdaLIN
from torch import Tensor, nn

from ..unit.parts import reflecting


class StyleEncoder(nn.Sequential):
    """(B, C, H, W) images, H and W from 32 on, to (B, style_dim) styles: no norm, for that would erase the style."""

    def __init__(self, width: int, style_dim: int, in_channels: int) -> None:
        channels = [in_channels, width, 2 * width, 4 * width, 4 * width, 4 * width]
        convs: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(channels)):
            convs += [reflecting(a, b, 4, 2) if i else reflecting(a, b, 7), nn.ReLU(inplace=True)]
        super().__init__(*convs, nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], style_dim, 1), nn.Flatten())


class AdaINBlock(nn.Module):
    """A residual block whose two instance norms are scaled and shifted from outside (equation 7).

    With ``adalin`` layer norms are mixed into them, as AdaLIN does (arXiv:1907.10830, equation 1).
    """

    def __init__(self, channels: int, adalin: bool = False) -> None:
        super().__init__()
        self.first, self.second = reflecting(channels, channels, 3), reflecting(channels, channels, 3)
        self.norms = nn.ModuleList(AdaLIN(channels) for _ in range(2 if adalin else 0))

    def forward(self, x: Tensor, style: tuple[Tensor, ...]) -> Tensor:
        """``style`` is the shift and scale of the first norm, then of the second, each (B, C, 1, 1)."""
        hidden = F.relu(self._normalised(0, self.first(x), style[0], style[1]))
        return x + self._normalised(1, self.second(hidden), style[2], style[3])

    def _normalised(self, place: int, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        if not self.norms:
            return torch.addcmul(shift, F.instance_norm(x), scale)
        normalised: Tensor = self.norms[place](x, scale.flatten(1), shift.flatten(1))
        return normalised
