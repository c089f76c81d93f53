"""Translators of small networks whose answers are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attn_i2i.translate.translator import Translator
from attn_i2i.types import Translation


class Brighten(nn.Module):
    """Two contents behind two masks that cover the left half between them; the rest is background."""

    def __init__(self, background: bool = True) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5))
        self.background = background
        self.batches: list[int] = []

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        self.batches.append(len(image))
        batch, _, height, width = image.shape
        foreground = image.new_zeros(batch, 2, height, width)
        foreground[:, 0, :, : width // 2] = 0.75
        foreground[:, 1, :, : width // 2] = 0.25
        left_over = 1 - foreground.sum(1, keepdim=True)
        contents = torch.stack([torch.ones_like(image) * self.level, torch.ones_like(image)], 1)
        output = (foreground[:, :, None] * contents).sum(1) + left_over * image
        heatmap = image.mean(1, keepdim=True)[..., ::2, ::2] * 7
        attention = torch.cat([foreground, left_over], 1) if self.background else foreground
        return Translation(output, attention, contents, heatmap=heatmap)


class Negative(nn.Module):
    """No attention at all."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(-image)


class FixedSize(Negative):
    """As a network whose matrix product fixes the size."""

    image_size = 16

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert image.shape[-2:] == (16, 16)
        return Brighten()(image)


class Labelled(nn.Module):
    """Paints the target label into the first pixels."""

    domains = 3

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert domain is not None
        image = image.clone()
        image[:, 0, 0, :3] = domain * 2 - 1
        return Translation(image)


class Styled(nn.Module):
    """Adds its style of three numbers, a hundredth each, to the channels; the style of a picture is its mean."""

    style_dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.0))
        self.batches: list[int] = []

    def style_of(self, image: Tensor) -> Tensor:
        return image.mean((2, 3))

    def forward(self, image: Tensor, domain: Tensor | None = None, style: Tensor | None = None) -> Translation:
        self.batches.append(len(image))
        style = image.new_zeros(len(image), 3) if style is None else style
        return Translation((image * 0.5 + style[:, :, None, None] / 100 + self.level).tanh())


def translator(*networks: nn.Module, domains: list[str] | None = None, **options: Any) -> Translator:
    """A translator with the directions A2B, B2A ... of the given networks."""
    config: Any = SimpleNamespace(architecture="test", domains=domains)
    return Translator(dict(zip(("A2B", "B2A"), networks, strict=False)), config, device="cpu", **options)


def noise(height: int = 12, width: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8)
