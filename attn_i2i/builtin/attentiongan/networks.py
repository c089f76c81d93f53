"""AttentionGAN's generators, its averaging discriminator and its attention-guided one."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from ...blocks import (
    ConcatMasked,
    PatchDiscriminator,
    ResnetTrunk,
    SigmoidHead,
    SoftmaxHead,
    TrunkAndHead,
    shuffle_up,
    transposed_up,
)
from ...blocks.resnet import Norm, unit
from ...types import Verdict
from ..stargan.networks import labelled_trunk, step_up


def scheme1(
    width: int = 64, blocks: int = 6, norm: Norm = "batch", channels: int = 3, mask_floor: float = 0.0
) -> TrunkAndHead:
    """AttentionGAN I: one sigmoid mask and one content (arXiv:1903.12296, section 3.1).

    Masks of at most ``mask_floor`` are shut, so that the source stays bit for bit there.
    """
    trunk = ResnetTrunk(width, blocks, in_channels=channels, norm=norm)
    up = partial(shuffle_up, norm=norm)
    head = SigmoidHead(trunk.out_channels, trunk.stride, up=up, out_channels=channels, floor=mask_floor)
    return TrunkAndHead(trunk, head)


def scheme2(
    width: int = 64,
    blocks: int = 9,
    masks: int = 10,
    background: bool = True,
    attention_kernel: int = 1,
    norm: Norm = "instance",
    in_channels: int = 3,
    out_channels: int = 3,
    mask_floor: float = 0.0,
) -> TrunkAndHead:
    """AttentionGAN II: softmax masks, the last the background's unless ``background=False`` (arXiv:1911.11897).

    Without a background the images that it makes may have other channels than those it takes. Where the foreground
    masks add up to at most ``mask_floor`` they are shut, so that the source stays bit for bit there.
    """
    trunk = ResnetTrunk(width, blocks, in_channels=in_channels, norm=norm)
    head = SoftmaxHead(
        trunk.out_channels,
        trunk.stride,
        masks=masks,
        background=background,
        attention_kernel=attention_kernel,
        up=partial(transposed_up, norm=norm),
        out_channels=out_channels,
        floor=mask_floor,
    )
    return TrunkAndHead(trunk, head)


def scheme1_multidomain(
    width: int = 64,
    blocks: int = 6,
    domains: int = 5,
    norm: Norm = "instance_affine",
    channels: int = 3,
    mask_floor: float = 0.0,
) -> TrunkAndHead:
    """AttentionGAN I on a StarGAN host: one mask and content for every target label (arXiv:1911.11897, section 3.4)."""
    trunk = labelled_trunk(width, blocks, channels + domains, norm)
    head = SigmoidHead(
        trunk.out_channels,
        trunk.stride,
        up=step_up(norm),
        padding="zeros",
        bias=False,
        out_channels=channels,
        floor=mask_floor,
    )
    return TrunkAndHead(trunk, head, domains)


def scheme2_multidomain(
    width: int = 64,
    blocks: int = 6,
    domains: int = 5,
    masks: int = 10,
    background: bool = True,
    norm: Norm = "instance_affine",
    channels: int = 3,
    mask_floor: float = 0.0,
) -> TrunkAndHead:
    """AttentionGAN II's softmax head on a StarGAN host."""
    trunk = labelled_trunk(width, blocks, channels + domains, norm)
    head = SoftmaxHead(
        trunk.out_channels,
        trunk.stride,
        masks=masks,
        background=background,
        up=step_up(norm),
        padding="zeros",
        bias=False,
        out_channels=channels,
        floor=mask_floor,
    )
    return TrunkAndHead(trunk, head, domains)


class TowerDiscriminator(nn.Module):
    """The discriminator released with AttentionGAN I: unpadded 4x4 convolutions, averaged to one logit an image.

    (B, C, H, W) with H, W of at least 94 to logits (B, 1, 1, 1).
    """

    def __init__(self, width: int = 64, norm: Norm = "batch", channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        widths = [channels, width, 2 * width, 4 * width, 8 * width]
        self.tower = nn.Sequential(
            *(unit(nn.Conv2d(a, b, 4, 2), norm, b, nn.LeakyReLU(0.01, inplace=True)) for a, b in pairwise(widths)),
            unit(nn.Conv2d(8 * width, 8 * width, 4), "none", 8 * width, nn.LeakyReLU(0.01, inplace=True)),
        )
        self.logits = nn.Conv2d(8 * width, 1, 1)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (Verdict(self.logits(self.tower(image).mean((2, 3), keepdim=True))),)


def guided_discriminator(width: int = 64, layers: int = 3, norm: Norm = "instance", channels: int = 3) -> ConcatMasked:
    """The attention-guided discriminator: a PatchGAN over [mask, image] (arXiv:1911.11897, section 3.3)."""
    return ConcatMasked(PatchDiscriminator(1 + channels, width, layers, norm=norm))


class PlainAndGuided(nn.Module):
    """The plain discriminator beside the attention-guided one: their verdicts in this order (arXiv:1911.11897, 3.3).

    ``attention`` is the (B, 1, H, W) foreground mask that made the fake, also for real images.
    """

    masked = True

    def __init__(self, width: int = 64, layers: int = 3, norm: Norm = "instance", channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.plain = PatchDiscriminator(channels, width, layers, norm=norm)
        self.guided = guided_discriminator(width, layers, norm, channels)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (*self.plain(image), *self.guided(image, attention))
