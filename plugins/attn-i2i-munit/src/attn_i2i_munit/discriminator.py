"""MUNIT's discriminator."""

from __future__ import annotations

from itertools import pairwise

from attn_i2i import Verdict
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from .parts import reflecting


class MultiScaleDiscriminator(nn.Module):
    """One verdict for the image, one for its half, and so on: (B, 3, H, W) to ``scales`` verdicts (appendix B.2).

    Sides need 2 ** (layers + scales - 1) pixels at least, and twice as many with ``norm`` "instance", which stands
    behind every convolution but the first and the last; "none" is published.
    """

    def __init__(self, width: int = 64, layers: int = 4, scales: int = 3, norm: str = "none") -> None:
        super().__init__()
        if norm not in ("none", "instance"):
            raise ConfigError(f"MUNIT's discriminator: norm={norm!r} was given, expected 'none' or 'instance'.")
        self.minimum = 2 ** (layers + scales - 1 + (norm == "instance"))
        self.scales = nn.ModuleList(self._scale(width, layers, norm) for _ in range(scales))
        self.shrink = nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)

    @staticmethod
    def _scale(width: int, layers: int, norm: str) -> nn.Sequential:
        channels = [3, *(width * 2**i for i in range(layers))]
        parts: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(channels)):
            between = [nn.InstanceNorm2d(b)] if i and norm == "instance" else []
            parts += [reflecting(a, b, 4, 2), *between, nn.LeakyReLU(0.2, inplace=True)]
        return nn.Sequential(*parts, nn.Conv2d(channels[-1], 1, 1))

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        if min(image.shape[2:]) < self.minimum:
            raise ShapeError(f"MUNIT's discriminator needs sides of {self.minimum}, got {tuple(image.shape[2:])}.")
        verdicts = []
        for scale in self.scales:
            verdicts.append(Verdict(scale(image)))
            image = self.shrink(image)
        return tuple(verdicts)
