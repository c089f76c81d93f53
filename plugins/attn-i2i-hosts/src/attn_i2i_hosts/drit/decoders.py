"""The two ways in which DRIT puts an attribute into a content: appended to the features, or by a transform of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from attn_i2i import Translation
from attn_i2i.blocks import AdaLIN, ResBlock, SoftmaxHead, StyleMLP
from torch import Tensor, nn

from ..attention import AdaLINBlocks
from ..unit.parts import reflecting
from .parts import STRIDE, spread, up_for

BLOCKS = 3  # of the variant "concat" behind its shared one


class ConcatDecoder(nn.Module):
    """Appends the attribute four times (variant "concat"); ``share`` is one for both directions.

    (B, 4 * width, H/4, W/4) content and (B, size) attribute to a translation of ``source``. ``adalin`` changes the
    norms of the direction's own blocks.
    """

    def __init__(self, width: int, size: int, out_channels: int, masks: int, adalin: bool = False) -> None:
        super().__init__()
        features, up = 4 * width, up_for(adalin)
        self.share = ResBlock(features)
        if adalin:
            self.blocks: nn.Module = AdaLINBlocks(features + size, BLOCKS)
        else:
            self.blocks = nn.Sequential(*(ResBlock(features + size) for _ in range(BLOCKS)))
        if masks:
            self.head = SoftmaxHead(features + size, STRIDE, masks=masks, up=up)
            return
        half = (features + 2 * size) // 2
        quarter = (half + size) // 2
        self.up = nn.ModuleList((up(features + 2 * size, half), up(half + size, quarter)))
        self.image = nn.ConvTranspose2d(quarter + size, out_channels, 1)

    def forward(self, content: Tensor, attribute: Tensor, source: Tensor) -> Translation:
        shared = self.share(content)
        x = self.blocks(appended(shared, attribute))
        if hasattr(self, "head"):  # where it draws does not hang on how
            return self.head(x, source, appended(shared, torch.zeros_like(attribute)))
        for step in self.up:
            x = step(appended(x, attribute))
        return Translation(self.image(appended(x, attribute)).tanh())


class TransformBlock(nn.Module):
    """A residual block whose two halves each mix the attribute in place by place; ``adalin`` changes its norms."""

    def __init__(self, channels: int, adalin: bool = False) -> None:
        super().__init__()
        self.norms = nn.ModuleList(AdaLIN(channels) for _ in range(2 if adalin else 0))
        self.convs = nn.ModuleList(reflecting(channels, channels, 3) for _ in range(2))
        self.mixes = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(2 * channels, 2 * channels, 1), nn.ReLU(), nn.Conv2d(2 * channels, channels, 1), nn.ReLU()
            )
            for _ in range(2)
        )

    def forward(self, x: Tensor, attribute: Tensor, *steering: Tensor) -> Tensor:
        hidden = x
        for place, (conv, mix) in enumerate(zip(self.convs, self.mixes, strict=True)):
            hidden = conv(hidden)
            hidden = self.norms[place](hidden, *steering) if self.norms else F.instance_norm(hidden)
            hidden = mix(appended(hidden, attribute))
        return hidden + x


class TransformDecoder(nn.Module):
    """Four blocks, each with its part of what an MLP makes of the attribute (variant "feature"); shapes as above."""

    def __init__(self, width: int, size: int, out_channels: int, masks: int, adalin: bool = False) -> None:
        super().__init__()
        k, up = 4 * width, up_for(adalin)
        self.mlp = nn.Sequential(nn.Linear(size, k), nn.ReLU(), nn.Linear(k, k), nn.ReLU(), nn.Linear(k, 4 * k))
        self.steering = StyleMLP(k) if adalin else None
        self.blocks = nn.ModuleList(TransformBlock(k, adalin) for _ in range(4))
        if masks:
            self.head = SoftmaxHead(k, STRIDE, masks=masks, up=up)
            return
        self.up = nn.Sequential(up(k, k // 2), up(k // 2, k // 4))
        self.image = nn.ConvTranspose2d(k // 4, out_channels, 1)

    def forward(self, content: Tensor, attribute: Tensor, source: Tensor) -> Translation:
        x = content
        steering = () if self.steering is None else self.steering(content)
        for block, part in zip(self.blocks, self.mlp(attribute).chunk(4, dim=1), strict=True):
            x = block(x, part, *steering)
        if hasattr(self, "head"):
            return self.head(x, source, content)
        return Translation(self.image(self.up(x)).tanh())


def appended(features: Tensor, attribute: Tensor) -> Tensor:
    """``attribute`` behind the features of every place."""
    return torch.cat([features, spread(attribute, features)], dim=1)
