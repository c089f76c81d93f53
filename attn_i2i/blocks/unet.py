"""The U-Net of pix2pix (Isola et al., arXiv:1611.07004, section 6.1.1), in both ways that are trained."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..types import ConfigError, Translation
from .padding import crop, pad_to_multiple
from .resnet import Norm, make_norm

UNetStyle = Literal["pix2pix", "pytorch-gan"]


class UNet(nn.Module):
    """Strided 4x4 convolutions down to 1/2**``levels`` and transposed ones back, with skips: (B, C, H, W) to an image.

    Widths double from ``width`` to 8 * ``width``. ``style="pix2pix"`` is the authors': rectified skips, and a
    transposed convolution makes the image. ``"pytorch-gan"`` keeps the skips' negative part (LeakyReLU 0.2), and makes
    the image by nearest-neighbour doubling and a 4x4 convolution. ``bias`` is that of all convolutions but the last,
    which has one. ``dropout`` acts in training, on the widest levels. Other sizes are padded by reflection and cropped.

    >>> UNet(levels=5, width=4)(torch.zeros(1, 3, 40, 64)).image.shape
    torch.Size([1, 3, 40, 64])
    """

    def __init__(
        self,
        levels: int = 8,
        width: int = 64,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        norm: Norm = "batch",
        bias: bool = False,
        dropout: float = 0.5,
        style: UNetStyle = "pix2pix",
    ) -> None:
        super().__init__()
        if style not in ("pix2pix", "pytorch-gan") or levels < 2:
            raise ConfigError(
                f"A U-Net of style={style!r}, levels={levels}: use 'pix2pix' or 'pytorch-gan', 2 or more."
            )
        self.style, self.stride, self.channels = style, 2**levels, (in_channels, out_channels)
        widths = [width * min(2**i, 8) for i in range(levels)]
        inner = range(levels)
        self.down = nn.ModuleList(
            _Down(a, b, norm if 0 < i < levels - 1 else "none", bias)
            for i, a, b in zip(inner, [in_channels, *widths], widths, strict=False)
        )
        self.up = nn.ModuleList(
            _Up(widths[i] * (1 if i == levels - 1 else 2), widths[i - 1], norm, bias) for i in reversed(inner[1:])
        )
        wide = [1 < i < levels - 1 and widths[i - 1] == 8 * width for i in reversed(inner[1:])]
        self.dropouts = nn.ModuleList(nn.Dropout(dropout) if dropped else nn.Identity() for dropped in wide)
        last: nn.Module = nn.ConvTranspose2d(2 * width, out_channels, 4, 2, 1)
        if style == "pytorch-gan":
            last = nn.Conv2d(2 * width, out_channels, 4, padding=1)
        self.image = last

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        x = pad_to_multiple(image, self.stride)
        skips: list[Tensor] = []
        for i, down in enumerate(self.down):
            x = down(F.leaky_relu(x, 0.2) if i else x)
            skips.append(x)
        y = self._skip(skips.pop())
        for up, dropout in zip(self.up, self.dropouts, strict=True):
            y = torch.cat([self._skip(skips.pop()), dropout(up(y)).relu()], 1)
        return crop(Translation(self._image(y).tanh()), image.shape[2], image.shape[3])

    def _skip(self, x: Tensor) -> Tensor:
        return x.relu() if self.style == "pix2pix" else F.leaky_relu(x, 0.2)

    def _image(self, y: Tensor) -> Tensor:
        if self.style == "pix2pix":
            out: Tensor = self.image(y)
        else:
            out = self.image(F.pad(F.interpolate(y, scale_factor=2), (1, 0, 1, 0)))
        return out


class _Down(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, norm: str, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=bias)
        self.norm = make_norm(norm, out_channels)


class _Up(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, norm: str, bias: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=bias)
        self.norm = make_norm(norm, out_channels)
