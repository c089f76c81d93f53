"""Small networks as other code bases write them, in plain torch: their state dicts have the published keys.

Each answers by itself, so that a conversion is compared with the network it comes from.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """A residual block whose sequence is called ``conv_block`` or ``block``."""

    def __init__(self, name: str, layers: nn.Sequential) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + getattr(self, self.name)(x)


class Down(nn.Module):
    """CUT's blur before a stride of 2, its kernel a buffer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2, 1])
        self.register_buffer("filt", (row[:, None] * row / 16).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.filt, stride=2, groups=x.shape[1])


class Up(nn.Module):
    """CUT's blur behind zeros put between the pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3, 3, 1])
        self.register_buffer("filt", (row[:, None] * row / 16).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv_transpose2d(padded, self.filt, stride=2, padding=2, groups=x.shape[1])[..., 1:-1, 1:-1]


NORMS = {
    "instance": nn.InstanceNorm2d,
    "affine": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "batch": nn.BatchNorm2d,
    "none": lambda channels: nn.Identity(),
}


class Sequence(nn.Module):
    """A network that is one sequence called ``model``."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.model = layers

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def resnet(
    width: int = 3,
    blocks: int = 2,
    channels: tuple[int, int] = (3, 3),
    norm: str = "instance",
    dropout: bool = False,
    down: str = "strided",
    up: str = "transposed",
    name: str = "conv_block",
    edge: int = 3,
    padding: type[nn.Module] = nn.ReflectionPad2d,
    last: nn.Module | None = None,
) -> Sequence:
    """pytorch-CycleGAN-and-pix2pix's generator, CUT's with blurs, PyTorch-GAN's with ``up="nearest"``."""
    bias = norm in ("instance", "affine")

    def normed(conv: nn.Module, wide: int) -> list[nn.Module]:
        return [conv, NORMS[norm](wide), nn.ReLU()]

    layers: list[nn.Module] = [padding(edge), *normed(nn.Conv2d(channels[0], width, 7, bias=bias), width)]
    for a in (width, 2 * width):
        layers += normed(nn.Conv2d(a, 2 * a, 3, 1 if down == "blur" else 2, 1, bias=bias), 2 * a)
        layers += [Down(2 * a)] if down == "blur" else []
    wide = 4 * width
    for _ in range(blocks):
        inner = [padding(1), *normed(nn.Conv2d(wide, wide, 3, bias=bias), wide)]
        inner += [nn.Dropout(0.5)] if dropout else []
        inner += [padding(1), nn.Conv2d(wide, wide, 3, bias=bias), NORMS[norm](wide)]
        layers.append(Block(name, nn.Sequential(*inner)))
    for a in (4 * width, 2 * width):
        if up == "transposed":
            layers += normed(nn.ConvTranspose2d(a, a // 2, 3, 2, 1, 1, bias=bias), a // 2)
        else:
            step = Up(a) if up == "blur" else nn.Upsample(scale_factor=2)
            layers += [step, *normed(nn.Conv2d(a, a // 2, 3, padding=1, bias=bias), a // 2)]
    layers += [padding(edge), nn.Conv2d(width, channels[1], 7), last or nn.Tanh()]
    return Sequence(nn.Sequential(*layers))


def patch(
    width: int = 3,
    layers: int = 3,
    channels: int = 3,
    norm: str = "instance",
    blur: bool = False,
    shifted: bool = False,
    widest: int = 8,
) -> Sequence:
    """A PatchGAN: strided, with CUT's blurs, or PyTorch-GAN's whose last input is padded at the top and left."""
    bias = norm in ("instance", "affine")
    parts: list[nn.Module] = [nn.Conv2d(channels, width, 4, 1 if blur else 2, 1), nn.LeakyReLU(0.2)]
    parts += [Down(width)] if blur else []
    sizes = [width * min(2**i, widest) for i in range(layers + (not shifted))]
    for i, (a, b) in enumerate(pairwise(sizes), 1):
        halves = i < layers
        parts += [nn.Conv2d(a, b, 4, 2 if halves and not blur else 1, 1, bias=bias), NORMS[norm](b), nn.LeakyReLU(0.2)]
        parts += [Down(b)] if blur and halves else []
    parts += [nn.ZeroPad2d((1, 0, 1, 0))] if shifted else []
    return Sequence(nn.Sequential(*parts, nn.Conv2d(sizes[-1], 1, 4, padding=1)))


class Pixel(nn.Module):
    """pytorch-CycleGAN-and-pix2pix's PixelGAN."""

    def __init__(self, width: int = 3, channels: int = 3, norm: str = "instance") -> None:
        super().__init__()
        bias = norm == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            NORMS[norm](2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 1, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Level(nn.Module):
    """One level of pytorch-CycleGAN-and-pix2pix's U-Net around the next."""

    def __init__(self, layers: list[nn.Module], outermost: bool = False) -> None:
        super().__init__()
        self.model, self.outermost = nn.Sequential(*layers), outermost

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


def unet(levels: int = 5, width: int = 2, channels: tuple[int, int] = (3, 3), norm: str = "batch") -> Sequence:
    """Levels in levels, innermost first."""
    bias = norm == "instance"
    sizes = [width * min(2**i, 8) for i in range(levels)]

    def conv(a: int, b: int) -> nn.Module:
        return nn.Conv2d(a, b, 4, 2, 1, bias=bias)

    def back(a: int, b: int) -> nn.Module:
        return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)

    outer, inner = sizes[-2:]
    level = Level([nn.LeakyReLU(0.2), conv(outer, inner), nn.ReLU(), back(inner, outer), NORMS[norm](outer)])
    for outer, inner in zip(sizes[-3::-1], sizes[-2:0:-1], strict=True):
        ends = [nn.ReLU(), back(2 * inner, outer), NORMS[norm](outer)]
        level = Level([nn.LeakyReLU(0.2), conv(outer, inner), NORMS[norm](inner), level, *ends])
    ends = [nn.ReLU(), nn.ConvTranspose2d(2 * width, channels[1], 4, 2, 1), nn.Tanh()]
    first = nn.Conv2d(channels[0], width, 4, 2, 1, bias=bias)
    whole = Level([first, level, *ends], outermost=True)
    holder = Sequence(nn.Sequential())
    holder.model = whole  # type: ignore[assignment]
    return holder


class Nested(nn.Module):
    """Modules under one name, such as DownBlock.model."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PyTorchGANUNet(nn.Module):
    """PyTorch-GAN's U-Net: the ups come first in each concatenation, and skips keep their negative part."""

    def __init__(self, levels: int = 5, width: int = 2) -> None:
        super().__init__()
        self.levels = levels
        sizes = [width * min(2**i, 8) for i in range(levels)]
        for i, (a, b) in enumerate(zip([3, *sizes], sizes, strict=False), 1):
            norm = [nn.InstanceNorm2d(b)] if 1 < i < levels else []
            self.add_module(f"down{i}", Nested(nn.Conv2d(a, b, 4, 2, 1, bias=False), *norm, nn.LeakyReLU(0.2)))
        below = sizes[-1]
        for i, b in enumerate(sizes[-2::-1], 1):
            up = nn.ConvTranspose2d(below, b, 4, 2, 1, bias=False)
            self.add_module(f"up{i}", Nested(up, nn.InstanceNorm2d(b), nn.ReLU()))
            below = 2 * b
        self.final = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(2 * width, 3, 4, padding=1), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i in range(1, self.levels + 1):
            x = getattr(self, f"down{i}")(x)
            skips.append(x)
        x = skips.pop()
        for i in range(1, self.levels):
            x = torch.cat([getattr(self, f"up{i}")(x), skips.pop()], 1)
        return self.final(x)


class UnitRange(nn.Module):
    """A network for pictures in [0, 1] that ends in a sigmoid, called with pictures in [-1, 1]."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.inner((x + 1) / 2) - 1


class BGR(nn.Module):
    """A network for BGR, called with RGB."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        made = self.inner(x.flip(1))
        return made.flip(1) if made.shape[1] == 3 else made


def spread(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in evaluation mode with well-spread weights, also in norms and their statistics."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            if name.endswith("filt") or not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=source)
            if tensor.dim() > 1:
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
            elif name.endswith(("running_var", "weight")):
                tensor.copy_(noise.abs() + 0.5)
            else:
                tensor.copy_(noise * 0.2)
    return network.eval()


def pixel(width: int = 3, channels: int = 3, norm: str = "instance") -> Pixel:
    return Pixel(width, channels, norm)
