"""The bottleneck: a vision transformer over the pixels of the smallest map, with extra tokens that become the style."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from attn_i2i.types import ConfigError
from torch import Tensor, nn


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each behind a layer norm; one learnt scalar gates both."""

    def __init__(self, features: int, heads: int, hidden: int, *, gate: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.queries, self.out = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.feed = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))
        self.gate = nn.Parameter(torch.zeros(1)) if gate else None

    def forward(self, x: Tensor) -> Tensor:
        gate = 1.0 if self.gate is None else self.gate
        x = x + gate * self._attend(self.norm1(x))
        return x + gate * self.feed(self.norm2(x))

    def _attend(self, x: Tensor) -> Tensor:
        query, key, value = self.queries(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        joined: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return joined


class Bottleneck(nn.Module):
    """(B, C, ``side``, ``side``) to the same shape and a style (B, ``tokens`` * ``features``).

    Each pixel is a token, joined with the sine of a projection of its place. The places are stored with the weights,
    because the release has the axes exchanged: its x counts rows.
    """

    def __init__(
        self,
        channels: int,
        side: int,
        features: int,
        heads: int,
        blocks: int,
        hidden: int,
        embedding: int,
        tokens: int,
        *,
        gate: bool = True,
    ) -> None:
        super().__init__()
        if features % heads:
            raise ConfigError(f"features={features} is no multiple of heads={heads}.")
        rows, columns = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
        self.register_buffer("x", rows.reshape(1, -1))
        self.register_buffer("y", columns.reshape(1, -1))
        self.x: Tensor
        self.y: Tensor
        self.side = side
        self.place = nn.Linear(2, embedding)
        self.enter, self.leave = nn.Linear(embedding + channels, features), nn.Linear(features, channels)
        self.tokens = nn.Parameter(torch.randn(1, tokens, features))
        self.blocks = nn.Sequential(*(Block(features, heads, hidden, gate=gate) for _ in range(blocks)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        tokens = x.flatten(2).transpose(1, 2)
        places = torch.stack([self.x, self.y], 2) * 2 / max(1, self.side - 1) - 1
        embedded = self.place(places).sin().expand(len(x), -1, -1)
        y = torch.cat([self.enter(torch.cat([embedded, tokens], 2)), self.tokens.expand(len(x), -1, -1)], 1)
        y = self.blocks(y)
        pixels = self.side**2
        back = self.leave(y[:, :pixels]).transpose(1, 2).unflatten(2, (self.side, self.side))
        return back, y[:, pixels:].flatten(1)
