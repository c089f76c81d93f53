"""What UNIT and MUNIT are built of: the release of both is one code base."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from attn_i2i.blocks import LIN, Down, ResBlock
from torch import Tensor, nn


def reflecting(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution padded by reflection so that only its stride changes the size."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, (kernel - 1) // 2, padding_mode="reflect")


class ContentEncoder(nn.Module):
    """Stem, ``downs`` halvings, ``blocks`` residual blocks: (B, C, H, W) to ``out_channels`` at 1/``stride``.

    Sides are multiples of ``stride``, and twice as long at least.
    """

    def __init__(self, width: int, blocks: int, downs: int, in_channels: int) -> None:
        super().__init__()
        self.out_channels, self.stride = width * 2**downs, 2**downs
        parts = {"conv": reflecting(in_channels, width, 7), "norm": nn.InstanceNorm2d(width), "activation": nn.ReLU()}
        self.stem = nn.Sequential(OrderedDict(parts))
        channels = [width * 2**i for i in range(downs)]
        self.down = nn.Sequential(*(Down(c, 2 * c, kernel=4, padding="reflect") for c in channels))
        self.blocks = nn.Sequential(*(ResBlock(self.out_channels) for _ in range(blocks)))

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.down(self.stem(image)))


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


Up = Callable[[int, int], nn.Module]


def up(in_channels: int, out_channels: int, norm: Callable[[int], nn.Module] = LayerNorm) -> nn.Sequential:
    """Double the resolution: nearest neighbours, a 5x5 convolution, layer norm, ReLU."""
    conv = reflecting(in_channels, out_channels, 5)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv, norm(out_channels), nn.ReLU(inplace=True))


def up_for(norm: str) -> Up:
    """``up`` with LIN in the place of its layer norm where the decoder's ``norm`` is "adalin" (U-GAT-IT, figure 2)."""
    return partial(up, norm=LIN) if norm == "adalin" else up


class PictureHead(nn.Module):
    """The decoder's end as published: ``up`` until the stride is undone, a 7x7 convolution, tanh."""

    def __init__(self, in_channels: int, stride: int, out_channels: int, up: Up = up) -> None:
        super().__init__()
        steps = stride.bit_length() - 1
        channels = [in_channels >> i for i in range(steps + 1)]
        self.up = nn.Sequential(*(up(a, b) for a, b in pairwise(channels)))
        self.image = reflecting(channels[-1], out_channels, 7)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H * stride, W * stride) in [-1, 1]."""
        return self.image(self.up(features)).tanh()
