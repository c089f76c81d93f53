"""CycleGAN's generator and its relatives; the discriminators are in ``blocks``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import nn

from ...blocks import HeadFactory, ImageHead, ResnetTrunk, TrunkAndHead, blur_up, make_head, nearest_up, transposed_up
from ...blocks.resnet import Norm, Padding, Up
from ...types import ConfigError

UPS: dict[str, Callable[..., nn.Module]] = {"transposed": transposed_up, "nearest": nearest_up, "blur": blur_up}


def generator(
    width: int = 64,
    blocks: int = 9,
    in_channels: int = 3,
    out_channels: int = 3,
    norm: Norm = "instance",
    bias: bool = True,
    dropout: float = 0.0,
    down: Literal["strided", "blur"] = "strided",
    up: Literal["transposed", "nearest", "blur"] = "transposed",
    padding: Padding = "reflect",
    down_padding: Padding = "zeros",
    edge: int = 3,
    head: HeadFactory | None = None,
) -> TrunkAndHead:
    """CycleGAN's ResNet generator (arXiv:1703.10593, section 4): 9 blocks from 256 px on, 6 below.

    ``bias`` is that of the convolutions before a norm; the last always has one. ``dropout`` acts in training only.
    ``down="blur"`` and ``up="blur"`` do not alias (CUT). ``edge`` pixels are reflected before the first and the last
    7x7 convolution. Fewer than 3 give an image that is smaller by ``margin`` pixels at each side; ``load``'s translator
    adds them beforehand. PyTorch-GAN's network for images of 1 channel has 1. ``head`` names a registered head, such as
    "softmax", in place of the plain image; it has options of its own.
    """
    if down not in ("strided", "blur") or up not in UPS:
        raise ConfigError(f"down={down!r}, up={up!r}: down is 'strided' or 'blur', up one of {', '.join(UPS)}.")
    trunk = ResnetTrunk(
        width,
        blocks,
        in_channels=in_channels,
        norm=norm,
        padding=padding,
        down_padding=down_padding,
        down_blur=down == "blur",
        bias=bias,
        dropout=dropout,
        edge=edge,
    )
    if head is not None:
        if (edge, up) != (3, "transposed"):
            raise ConfigError("edge and up are of the plain image: give the head its own, as head.up.")
        return TrunkAndHead(trunk, make_head(head, trunk, out_channels))
    step: Up = partial(UPS[up], norm=norm, bias=bias)
    image = ImageHead(trunk.out_channels, trunk.stride, up=step, padding=padding, out_channels=out_channels, edge=edge)
    network = TrunkAndHead(trunk, image)
    network.margin = 2 * (3 - edge)
    return network
