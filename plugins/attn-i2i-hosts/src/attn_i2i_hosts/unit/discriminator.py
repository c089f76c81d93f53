"""The discriminator of UNIT, MUNIT and DRIT."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from attn_i2i import Verdict
from attn_i2i.blocks import CAM, with_mask
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from ..attention import SLOPE as CAM_SLOPE
from ..attention import seen_by
from .parts import reflecting


class MultiScaleDiscriminator(nn.Module):
    """One verdict for the image, one for its half, and so on: (B, C, H, W) to ``scales`` verdicts.

    MUNIT's (arXiv:1804.04732, appendix B.2). ``norm`` "instance" stands behind every convolution but the first and the
    last; "none" is published. ``minimum`` is the shortest side that leaves the last scale something to look at.
    ``guided`` it also reads the mask that made a fake, for real images too; with ``cam`` each scale has a CAM before
    its last convolution.
    """

    def __init__(
        self,
        width: int = 64,
        layers: int = 4,
        scales: int = 3,
        norm: str = "none",
        *,
        in_channels: int = 3,
        slope: float = 0.2,
        guided: bool = False,
        cam: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.masked = in_channels, guided
        if norm not in ("none", "instance"):
            raise ConfigError(f"MUNIT's discriminator: norm={norm!r} was given, expected 'none' or 'instance'.")
        self.minimum = 2 ** (layers + (norm == "instance"))
        for _ in range(scales - 1):
            self.minimum = 2 * self.minimum - 1  # the average rounds up
        channels = [in_channels + guided, *(width * 2**i for i in range(layers))]
        self.scales = nn.ModuleList(self._scale(channels, norm, slope) for _ in range(scales))
        self.cams = nn.ModuleList(CAM(channels[-1], slope=CAM_SLOPE) for _ in range(scales if cam else 0))
        self.shrink = nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)

    @staticmethod
    def _scale(channels: list[int], norm: str, slope: float) -> nn.Sequential:
        parts: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(channels)):
            between = [nn.InstanceNorm2d(b)] if i and norm == "instance" else []
            parts += [reflecting(a, b, 4, 2), *between, nn.LeakyReLU(slope, inplace=True)]
        return nn.Sequential(*parts, nn.Conv2d(channels[-1], 1, 1))

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        if min(image.shape[2:]) < self.minimum:
            raise ShapeError(f"This discriminator needs sides of {self.minimum}, got {tuple(image.shape[2:])}.")
        return verdicts_of(self, image, attention)


def verdicts_of(network: Any, image: Tensor, attention: Tensor | None) -> tuple[Verdict, ...]:
    """What each of a network's ``scales`` says; its ``shrink`` makes the picture of the next one."""
    seen = with_mask(image, attention) if network.masked else image
    verdicts = []
    for place, scale in enumerate(network.scales):
        if place:
            seen = network.shrink(seen)
        *layers, last = scale
        features = seen
        for layer in layers:
            features = layer(features)
        verdicts.append(seen_by(network.cams[place] if network.cams else None, features, last))
    return tuple(verdicts)
