"""ResNet parts of Johnson et al. (arXiv:1603.08155) as CycleGAN and its descendants use them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from ..types import ConfigError
from .blur import BlurDown, BlurUp
from .convolution import Conv2d, ConvTranspose2d, UpConv2d
from .convolution import Padding as Padding
from .norms import Norm as Norm
from .norms import make_norm as make_norm

Up = Callable[[int, int], nn.Module]


def edge_conv(in_channels: int, out_channels: int, edge: int, *, padding: Padding, bias: bool = True) -> nn.Conv2d:
    """A 7x7 convolution after ``edge`` pixels of padding: 3 keep the size, fewer shrink it."""
    if edge == 3:
        return Conv2d(in_channels, out_channels, 7, padding_mode=padding, bias=bias)
    return nn.Conv2d(in_channels, out_channels, 7, padding=edge, padding_mode=padding, bias=bias)


def unit(conv: nn.Module, norm: str, channels: int, activation: nn.Module | None = None) -> nn.Sequential:
    """Convolution, norm and activation as children of those names; ``None`` leaves the activation out."""
    parts: dict[str, nn.Module] = {"conv": conv, "norm": make_norm(norm, channels)}
    if activation is not None:
        parts["activation"] = activation
    return nn.Sequential(OrderedDict(parts))


class ResBlock(nn.Module):
    """Two 3x3 convolutions around which the input passes: (B, C, H, W) to the same shape.

    ``dropout`` acts between them, in training only.

    >>> block = ResBlock(16, padding="zeros", final_relu=True)
    """

    def __init__(
        self,
        channels: int,
        *,
        norm: Norm = "instance",
        padding: Padding = "reflect",
        bias: bool = True,
        dropout: float = 0.0,
        final_relu: bool = False,
    ) -> None:
        super().__init__()

        def conv() -> Conv2d:
            return Conv2d(channels, channels, 3, padding_mode=padding, bias=bias)

        self.first = unit(conv(), norm, channels, nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.second = unit(conv(), norm, channels)
        self.final = nn.ReLU(inplace=True) if final_relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.final(self.second(self.dropout(self.first(x))).add_(x))


class Down(nn.Sequential):
    """Halve the resolution: strided convolution, norm, ReLU.

    ``same`` pads as TensorFlow's SAME does on even sizes: nothing before, one row and column after.

    >>> Down(8, 16)(torch.zeros(1, 8, 32, 32)).shape
    torch.Size([1, 16, 16, 16])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int = 3,
        norm: Norm = "instance",
        padding: Padding = "zeros",
        bias: bool = True,
        same: bool = False,
    ) -> None:
        own = 0 if same else 1
        conv: nn.Module = nn.Conv2d(
            in_channels, out_channels, kernel, 2, own, padding_mode="zeros" if same else padding, bias=bias
        )
        pads: dict[str, nn.Module] = {"pad": nn.ZeroPad2d((0, 1, 0, 1))} if same else {}
        activation = nn.ReLU(inplace=True)
        super().__init__(OrderedDict(**pads, conv=conv, norm=make_norm(norm, out_channels), activation=activation))


def blur_down(
    in_channels: int, out_channels: int, *, norm: Norm = "instance", padding: Padding = "zeros", bias: bool = True
) -> nn.Sequential:
    """Halve the resolution without aliasing: 3x3 convolution, norm, ReLU, then a blur with stride 2 (CUT).

    >>> blur_down(8, 16)(torch.zeros(1, 8, 32, 32)).shape
    torch.Size([1, 16, 16, 16])
    """
    conv = Conv2d(in_channels, out_channels, 3, padding_mode=padding, bias=bias)
    return unit(conv, norm, out_channels, nn.ReLU(inplace=True)).append(BlurDown())


class ResnetTrunk(nn.Module):
    """Stem, two strided convolutions and residual blocks: (B, C, H, W) to (B, 4 * width, H/4, W/4).

    ``padding`` serves stem and residual blocks, ``down_padding`` the strided convolutions. ``down_blur`` halves by
    a blur instead of strides. ``edge`` pixels are added around the image for the stem; fewer than 3 make it smaller.

    >>> trunk = ResnetTrunk(width=8, blocks=2)
    >>> trunk(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 32, 8, 8])
    """

    stride = 4

    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        *,
        in_channels: int = 3,
        norm: Norm = "instance",
        padding: Padding = "reflect",
        down_padding: Padding = "zeros",
        down_kernel: int = 3,
        down_same: bool = False,
        down_blur: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        edge: int = 3,
        final_relu: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, 4 * width
        stem = edge_conv(in_channels, width, edge, padding=padding, bias=bias)
        self.stem = unit(stem, norm, width, nn.ReLU(inplace=True))

        def down(channels: int) -> nn.Module:
            if down_blur:
                return blur_down(channels, 2 * channels, norm=norm, padding=down_padding, bias=bias)
            shape = {"kernel": down_kernel, "same": down_same}
            return Down(channels, 2 * channels, norm=norm, padding=down_padding, bias=bias, **shape)  # type: ignore[arg-type]

        self.down = nn.Sequential(down(width), down(2 * width))
        block = partial(ResBlock, 4 * width, norm=norm, padding=padding, bias=bias, dropout=dropout)
        self.blocks = nn.Sequential(*(block(final_relu=final_relu) for _ in range(blocks)))

    def forward(self, image: Tensor) -> Tensor:
        return self.blocks(self.down(self.stem(image)))


class _CropLast(nn.Module):
    """Drop the last row and column: an unpadded stride-2 transposed convolution becomes TensorFlow's SAME."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., :-1, :-1]


def transposed_up(
    in_channels: int,
    out_channels: int,
    *,
    kernel: Literal[3, 4] = 3,
    norm: Norm = "instance",
    bias: bool = True,
    same: bool = False,
) -> nn.Sequential:
    """Double the resolution: transposed convolution, norm, ReLU; ``same`` follows TensorFlow's SAME.

    >>> transposed_up(16, 8)(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 8, 16, 16])
    """
    if same:
        conv: nn.Module = ConvTranspose2d(in_channels, out_channels, kernel, 2, bias=bias)
        parts: dict[str, nn.Module] = {"conv": conv, "crop": _CropLast()}
    else:
        conv = ConvTranspose2d(in_channels, out_channels, kernel, 2, 1, int(kernel == 3), bias=bias)
        parts = {"conv": conv}
    return nn.Sequential(OrderedDict(**parts, norm=make_norm(norm, out_channels), activation=nn.ReLU(inplace=True)))


def nearest_up(
    in_channels: int, out_channels: int, *, norm: Norm = "instance", padding: Padding = "zeros", bias: bool = True
) -> nn.Sequential:
    """Double the resolution: nearest neighbours, 3x3 convolution, norm, ReLU.

    >>> nearest_up(16, 8)(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 8, 16, 16])
    """
    conv = UpConv2d(in_channels, out_channels, 3, bias=bias, padding=padding)
    return unit(conv, norm, out_channels, nn.ReLU(inplace=True))


def blur_up(
    in_channels: int, out_channels: int, *, norm: Norm = "instance", padding: Padding = "zeros", bias: bool = True
) -> nn.Sequential:
    """Double the resolution without aliasing: bilinear, 3x3 convolution, norm, ReLU (CUT).

    >>> blur_up(16, 8)(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 8, 16, 16])
    """
    conv = Conv2d(in_channels, out_channels, 3, padding_mode=padding, bias=bias)
    part = unit(conv, norm, out_channels, nn.ReLU(inplace=True))
    return nn.Sequential(OrderedDict(blur=BlurUp(), **dict(part.named_children())))


def shuffle_up(in_channels: int, out_channels: int, *, norm: Norm = "batch") -> nn.Sequential:
    """Double the resolution by sub-pixel convolution (Shi et al., arXiv:1609.05158), as AttentionGAN I does.

    >>> shuffle_up(16, 8)(torch.zeros(1, 16, 8, 8)).shape
    torch.Size([1, 8, 16, 16])
    """
    conv = Conv2d(in_channels, out_channels, 3, padding_mode="reflect")
    expand = nn.Sequential(nn.Conv2d(out_channels, 4 * out_channels, 1), nn.PixelShuffle(2))
    activation = nn.ReLU(inplace=True)
    return nn.Sequential(
        OrderedDict(
            reduce=unit(conv, norm, out_channels, activation), expand=unit(expand, norm, out_channels, activation)
        )
    )


def decoder(in_channels: int, stride: int, up: Up) -> tuple[nn.Sequential, int]:
    """As many ``up`` steps as undo ``stride`` (a power of two), each halving the channels, and what they end with."""
    if stride < 1 or stride & (stride - 1):
        raise ConfigError(f"A stride of {stride} was given: a decoder undoes powers of two, such as 4.")
    channels = [max(1, in_channels >> i) for i in range(stride.bit_length())]
    return nn.Sequential(*(up(a, b) for a, b in pairwise(channels))), channels[-1]
