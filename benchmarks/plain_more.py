"""More published networks written plainly: AttentionGAN I, AGGAN, StarGAN and its attention, and their discriminators.

As in ``plain``, every step is a module of its own, in the order of the library's own parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.plain import padded_conv

Norm = Callable[[int], nn.Module]


def affine(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


class Residual(nn.Module):
    """Two 3x3 convolutions with a norm, and the sum."""

    def __init__(self, channels: int, norm: Norm, *, reflect: bool, bias: bool = True, relu: bool = False) -> None:
        super().__init__()

        def conv() -> list[nn.Module]:
            if reflect:
                return padded_conv(channels, channels, 3, bias=bias)
            return [nn.Conv2d(channels, channels, 3, padding=1, bias=bias)]

        self.layers = nn.Sequential(*conv(), norm(channels), nn.ReLU(True), *conv(), norm(channels))
        self.last = nn.ReLU(True) if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + self.layers(x))


def blended(image: Tensor, mask: Tensor, content: Tensor) -> Tensor:
    mask = mask.repeat(1, 3, 1, 1)
    return content * mask + image * (1 - mask)


class Scheme1(nn.Module):
    """AttentionGAN I's generator (arXiv:1903.12296): image, mask."""

    def __init__(self, width: int, blocks: int = 6) -> None:
        super().__init__()
        norm = nn.BatchNorm2d
        layers: list[nn.Module] = [*padded_conv(3, width, 7), norm(width), nn.ReLU(True)]
        for c in (width, 2 * width):
            layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), norm(2 * c), nn.ReLU(True)]
        layers += [Residual(4 * width, norm, reflect=True) for _ in range(blocks)]
        for c in (2 * width, width):
            layers += [*padded_conv(2 * c, c, 3), norm(c), nn.ReLU(True)]
            layers += [nn.Conv2d(c, 4 * c, 1), nn.PixelShuffle(2), norm(c), nn.ReLU(True)]
        self.model = nn.Sequential(*layers, *padded_conv(width, 4, 7))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        out = self.model(x)
        mask = torch.sigmoid(out[:, :1])
        return blended(x, mask, out[:, 1:]), mask


class Tower(nn.Module):
    """AttentionGAN I's averaging discriminator."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise([3, width, 2 * width, 4 * width, 8 * width]):
            layers += [nn.Conv2d(a, b, 4, 2), nn.BatchNorm2d(b), nn.LeakyReLU(0.01, True)]
        layers += [nn.Conv2d(8 * width, 8 * width, 4), nn.LeakyReLU(0.01, True), nn.AdaptiveAvgPool2d(1)]
        self.tower = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.tower(x)


class SameUp(nn.Module):
    """TensorFlow's SAME transposed convolution: the last row and column are cut off."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)[:, :, :-1, :-1]


def same_down(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(inputs, outputs, 3, 2)]


class AGGAN(nn.Module):
    """Mejjati et al.'s generator and attention network (arXiv:1806.02311): image, mask."""

    def __init__(self, width: int, blocks: int = 9) -> None:
        super().__init__()
        w = width
        layers: list[nn.Module] = [nn.Conv2d(3, w, 7, padding=3), affine(w), nn.ReLU(True)]
        for c in (w, 2 * w):
            layers += [*same_down(c, 2 * c), affine(2 * c), nn.ReLU(True)]
        layers += [Residual(4 * w, affine, reflect=False, relu=True) for _ in range(blocks)]
        for c in (2 * w, w):
            layers += [SameUp(2 * c, c), affine(c), nn.ReLU(True)]
        self.generator = nn.Sequential(*layers, nn.Conv2d(w, 3, 7, padding=3), nn.Tanh())
        self.attention = nn.Sequential(
            *padded_conv(3, w, 7, 2),
            affine(w),
            nn.ReLU(True),
            *same_down(w, 2 * w),
            affine(2 * w),
            nn.ReLU(True),
            Residual(2 * w, affine, reflect=True, relu=True),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(2 * w, 2 * w, 1), affine(2 * w), nn.ReLU(True)),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(2 * w, w, 1), affine(w), nn.ReLU(True)),
            nn.Conv2d(w, 1, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mask = self.attention(x)
        return blended(x, mask, self.generator(x)), mask


class WarmDiscriminator(nn.Module):
    """Mejjati et al.'s discriminator while warming up: threshold 0, instance norm on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise([3, width, 2 * width, 4 * width, 8 * width])):
            layers += [nn.ZeroPad2d(2), nn.Conv2d(a, b, 4, 2 if i < 3 else 1), affine(b), nn.LeakyReLU(0.2, True)]
        self.model = nn.Sequential(*layers, nn.ZeroPad2d(2), nn.Conv2d(8 * width, 1, 4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.model(x * (mask >= 0).float().to(x))


class DomainGenerator(nn.Module):
    """StarGAN's generator (arXiv:1711.09020), ending in 3 channels or in mask and content."""

    def __init__(self, width: int, blocks: int = 6, domains: int = 5, attention: bool = False) -> None:
        super().__init__()
        w = width
        layers: list[nn.Module] = [nn.Conv2d(3 + domains, w, 7, 1, 3, bias=False), affine(w), nn.ReLU(True)]
        for c in (w, 2 * w):
            layers += [nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False), affine(2 * c), nn.ReLU(True)]
        layers += [Residual(4 * w, affine, reflect=False, bias=False) for _ in range(blocks)]
        for c in (2 * w, w):
            layers += [nn.ConvTranspose2d(2 * c, c, 4, 2, 1, bias=False), affine(c), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.Conv2d(w, 4 if attention else 3, 7, 1, 3, bias=False))

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        maps = label[:, :, None, None].repeat(1, 1, x.shape[2], x.shape[3])
        out = self.main(torch.cat([x, maps], dim=1))
        return torch.tanh(out) if out.shape[1] == 3 else blended(x, torch.sigmoid(out[:, :1]), out[:, 1:])


class DomainMasks(nn.Module):
    """AttentionGAN II's contents and softmax masks, the last the background's, on StarGAN's generator."""

    def __init__(self, width: int, blocks: int = 6, domains: int = 5, masks: int = 10) -> None:
        super().__init__()
        layers = list(DomainGenerator(width, blocks, domains).main)
        trunk, up = layers[: 9 + blocks], layers[9 + blocks : 15 + blocks]
        self.trunk = nn.Sequential(*trunk)
        self.content = nn.Sequential(*up, nn.Conv2d(width, 3 * (masks - 1), 7, 1, 3, bias=False), nn.Tanh())
        self.attention = nn.Sequential(*deepcopy(up), nn.Conv2d(width, masks, 1, bias=False), nn.Softmax(dim=1))

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        maps = label[:, :, None, None].repeat(1, 1, x.shape[2], x.shape[3])
        features = self.trunk(torch.cat([x, maps], dim=1))
        content, masks = self.content(features), self.attention(features).unbind(1)
        image = x * masks[-1][:, None]
        for layer, mask in zip(content.split(3, dim=1), masks[:-1], strict=True):
            image = image + layer * mask[:, None]
        return image


class DomainDiscriminator(nn.Module):
    """StarGAN's discriminator: patches, classes."""

    def __init__(self, width: int, layers: int = 6, domains: int = 5, size: int = 128) -> None:
        super().__init__()
        channels = [3, *(width * 2**i for i in range(layers))]
        parts: list[nn.Module] = []
        for a, b in pairwise(channels):
            parts += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.01)]
        self.main = nn.Sequential(*parts)
        self.patches = nn.Conv2d(channels[-1], 1, 3, 1, 1, bias=False)
        self.classes = nn.Conv2d(channels[-1], domains, size // 2**layers, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.main(x)
        return self.patches(features), self.classes(features).flatten(1)
