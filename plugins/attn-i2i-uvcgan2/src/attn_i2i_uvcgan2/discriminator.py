"""UVCGAN2's discriminator: a spectral-normalised PatchGAN body and a head that looks at the whole batch."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from attn_i2i.blocks import SpectralConv2d
from attn_i2i.blocks.instance_norm import InstanceNorm2d
from attn_i2i.types import Verdict
from torch import Tensor, nn


class BatchHeadDiscriminator(nn.Module):
    """(B, C, H, W) in [-1, 1] to one logit a patch (arXiv:2303.16280, section 3.2).

    ``layers`` strided 4x4 convolutions and one of stride 1; the head's batch norm compares the images of a batch. In
    the authors' training that norm also sees queued pictures, which a recipe would give beside the batch.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.channels = in_channels
        sizes = [in_channels, *(width * min(2**i, 8) for i in range(layers + 1))]
        self.body = nn.ModuleList(
            SpectralConv2d(a, b, 4, stride=2 if i < layers else 1) for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.norms = nn.ModuleList(nn.Identity() if not i else InstanceNorm2d(b) for i, b in enumerate(sizes[1:]))
        wide = sizes[-1]
        self.norm = nn.BatchNorm2d(wide)
        self.hidden = nn.Conv2d(wide, wide, 3, padding=1)
        self.logits = nn.Conv2d(wide, 1, 3, padding=1)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        x = (image + 1) / 2
        for conv, norm in zip(self.body, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(F.pad(x, (1, 1, 1, 1)))), 0.2)
        return (Verdict(self.logits(F.leaky_relu(self.hidden(self.norm(x)), 0.01))),)
