"""Attention heads: features and the source image in, masks, contents and the blended image out.

Images of ``out_channels`` come out, three unless it is said otherwise. A head that ``blends`` shows the source in its
background, so that the source has as many.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import cast

from torch import Tensor, nn

from ..interfaces import RGB, Trunk
from ..masks import blend, lower
from ..types import ConfigError, Translation
from .convolution import Conv2d
from .resnet import Padding, Up, decoder, edge_conv, transposed_up

HeadFactory = Callable[..., nn.Module]
"""What builds a head from the channels and the stride of the features it reads.

It takes the channels of the images as ``out_channels``, unless it makes RGB alone.
"""


def make_head(factory: HeadFactory, trunk: Trunk, channels: int) -> nn.Module:
    """The head of ``factory`` for ``trunk`` and images of ``channels``.

    RGB is left to the factory, whose default it is. Raises ConfigError where it does not take other channels.
    """
    told = inspect.signature(factory).parameters.get("out_channels")
    if told is None and channels != RGB:
        name = getattr(factory, "__name__", type(factory).__name__)
        raise ConfigError(f"The head {name} makes RGB alone, for it has no out_channels: {channels} were given.")
    if told is None or channels == RGB:
        return factory(trunk.out_channels, trunk.stride)
    if told.default not in (RGB, channels, told.empty):
        raise ConfigError(f"{channels} channels were given, and head.out_channels={told.default}: give one of them.")
    return factory(trunk.out_channels, trunk.stride, out_channels=channels)


def check_floor(floor: float, background: bool = True) -> None:
    """Raise ConfigError where ``floor`` is no share in [0, 1), or the masks leave no background that it could open."""
    if type(floor) not in (int, float) or not 0 <= floor < 1:
        raise ConfigError(f"floor={floor!r} was given: expected a share of the masks, 0 or more and below 1.")
    if floor and not background:
        raise ConfigError(f"floor={floor} needs a background: without one the masks always add up to 1.")


class ImageHead(nn.Module):
    """A decoder straight to the image, without attention: what CycleGAN and StarGAN end in.

    ``edge`` pixels of padding stand before the closing 7x7 convolution: 3 keep the size.

    >>> head = ImageHead(32, stride=4)
    >>> head(torch.zeros(1, 32, 8, 8), torch.zeros(1, 3, 32, 32)).image.shape
    torch.Size([1, 3, 32, 32])
    """

    def __init__(
        self,
        in_channels: int,
        stride: int = 4,
        *,
        up: Up = transposed_up,
        padding: Padding = "reflect",
        bias: bool = True,
        out_channels: int = 3,
        edge: int = 3,
    ) -> None:
        super().__init__()
        self.in_channels, self.stride, self.image_channels = in_channels, stride, out_channels
        self.up, channels = decoder(in_channels, stride, up)
        self.image = edge_conv(channels, out_channels, edge, padding=padding, bias=bias)

    def forward(self, features: Tensor, source: Tensor) -> Translation:
        return Translation(self.image(self.up(features)).tanh())


class SigmoidHead(nn.Module):
    """AttentionGAN I (arXiv:1903.12296, section 3.1): one decoder ends in a sigmoid mask and one content.

    ``content_tanh`` bounds the content; the released networks leave it unbounded. Where the mask is at most ``floor``
    it is 0, and the source is shown bit for bit; the paper has no floor.

    >>> head = SigmoidHead(32, stride=4)
    >>> head(torch.zeros(1, 32, 8, 8), torch.zeros(1, 3, 32, 32)).attention.shape
    torch.Size([1, 1, 32, 32])
    """

    blends = True

    def __init__(
        self,
        in_channels: int,
        stride: int = 4,
        *,
        up: Up = transposed_up,
        padding: Padding = "reflect",
        bias: bool = True,
        out_channels: int = 3,
        content_tanh: bool = False,
        floor: float = 0.0,
    ) -> None:
        super().__init__()
        check_floor(floor)
        self.in_channels, self.stride, self.image_channels = in_channels, stride, out_channels
        self.content_tanh, self.floor = content_tanh, floor
        self.up, channels = decoder(in_channels, stride, up)
        self.mask_and_content = Conv2d(channels, 1 + out_channels, 7, padding_mode=padding, bias=bias)

    def forward(self, features: Tensor, source: Tensor) -> Translation:
        mask, content = self.mask_and_content(self.up(features)).split((1, self.image_channels), dim=1)
        contents = (content.tanh() if self.content_tanh else content).unsqueeze(1)
        attention = lower(mask.sigmoid(), contents, self.floor)
        return Translation(blend(attention, contents, source), attention, contents)


class SoftmaxHead(nn.Module):
    """AttentionGAN II (arXiv:1911.11897, section 3.2): a content decoder, and one of ``masks`` softmax masks.

    With ``background`` the last mask shows the source, and masks - 1 contents are made. Without it every mask has a
    content, and the source takes no part (AttentionGAN-geo). ``attention_kernel`` is 1 in the released networks.
    Where the foreground masks add up to at most ``floor`` they are 0, and the source is shown bit for bit; the paper
    has no floor. ``guide``, of the features' shape, gives the masks other features than the contents: those of a code
    without style, say.

    >>> head = SoftmaxHead(32, stride=4, masks=4)
    >>> head(torch.zeros(1, 32, 8, 8), torch.zeros(1, 3, 32, 32)).contents.shape
    torch.Size([1, 3, 3, 32, 32])
    """

    def __init__(
        self,
        in_channels: int,
        stride: int = 4,
        *,
        masks: int = 10,
        background: bool = True,
        attention_kernel: int = 1,
        up: Up = transposed_up,
        padding: Padding = "reflect",
        bias: bool = True,
        out_channels: int = 3,
        floor: float = 0.0,
    ) -> None:
        super().__init__()
        check_floor(floor, background)
        if masks < 1 + background:
            raise ConfigError(f"masks={masks} leaves no foreground: use at least {1 + background}.")
        self.in_channels, self.stride, self.image_channels = in_channels, stride, out_channels
        self.background = self.blends = background
        self.floor = floor
        conv = partial(Conv2d, padding_mode=padding, bias=bias)
        self.content_up, channels = decoder(in_channels, stride, up)
        self.content = conv(channels, out_channels * (masks - background), 7)
        self.attention_up, channels = decoder(in_channels, stride, up)
        self.attention = conv(channels, masks, attention_kernel)

    def forward(self, features: Tensor, source: Tensor, guide: Tensor | None = None) -> Translation:
        contents = cast(Tensor, self.content(self.content_up(features))).tanh().unflatten(1, (-1, self.image_channels))
        masks = cast(Tensor, self.attention(self.attention_up(features if guide is None else guide))).softmax(1)
        attention = lower(masks, contents, self.floor)
        return Translation(blend(attention, contents, source if self.background else None), attention, contents)
