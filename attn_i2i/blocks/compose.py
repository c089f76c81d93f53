"""A generator from a trunk and a head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..interfaces import RGB, Head, Trunk
from ..types import ConfigError, ShapeError, Translation
from .padding import crop, pad_to_multiple


def with_label(image: Tensor, domain: Tensor | None, domains: int) -> Tensor:
    """Concatenate a (B, domains) label to a (B, C, H, W) image as constant maps; ``domains=0`` takes no label."""
    if not domains and domain is None:
        return image
    if domain is None or domain.shape != (image.shape[0], domains):
        label = "no label" if domain is None else f"a label of shape {tuple(domain.shape)}"
        raise ShapeError(f"Expected a target label of shape {(image.shape[0], domains)}, got {label}.")
    maps = domain.to(image)[:, :, None, None].expand(-1, -1, *image.shape[2:])
    return torch.cat([image, maps], dim=1)


class TrunkAndHead(nn.Module):
    """Any trunk under any head: (B, C, H, W) in [-1, 1] of any H, W to a translation of that size.

    Sizes that the strides do not divide are reflected at the bottom and right, and cropped back. ``channels`` are
    those of the images it takes and makes. With ``domains`` the trunk also sees the target label as that many constant
    maps (StarGAN, arXiv:1711.09020). Raises ConfigError for parts that do not fit: features, stride, or channels of the
    image, where the head shows the source.

    >>> from attn_i2i.blocks import ResnetTrunk, SoftmaxHead
    >>> generator = TrunkAndHead(ResnetTrunk(width=8, blocks=2), SoftmaxHead(32, masks=4))
    >>> generator(torch.zeros(1, 3, 30, 41)).image.shape
    torch.Size([1, 3, 30, 41])
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, domains: int = 0) -> None:
        super().__init__()
        if not isinstance(trunk, Trunk) or not isinstance(head, Head):
            raise ConfigError("A trunk advertises out_channels and stride, a head in_channels and stride.")
        if (trunk.out_channels, trunk.stride) != (head.in_channels, head.stride):
            raise ConfigError(
                f"The trunk ends in {trunk.out_channels} channels at stride {trunk.stride},"
                f" the head expects {head.in_channels} at stride {head.stride}."
            )
        reads, makes = getattr(trunk, "in_channels", None), getattr(head, "image_channels", None)
        if reads is not None and makes is not None and getattr(head, "blends", False) and reads != makes + domains:
            raise ConfigError(
                "This head shows the source in its background, so its images have as many channels as the source."
                f" The trunk reads {reads} channels, {domains} of them domains, and the head makes images of {makes}."
                f" Give the head out_channels={reads - domains}, or the trunk in_channels={makes + domains}."
            )
        self.trunk, self.head, self.domains = trunk, head, domains
        self.stride: int = trunk.stride
        self.margin = 0  # pixels that the image is smaller at each side
        self.channels = (getattr(trunk, "in_channels", RGB + domains) - domains, getattr(head, "image_channels", RGB))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        padded = pad_to_multiple(image, self.stride, minimum=2 * self.stride)
        features = self.trunk(with_label(padded, domain, self.domains))
        translation: Translation = self.head(features, padded)
        grown = [after - before for after, before in zip(translation.image.shape[2:], padded.shape[2:], strict=True)]
        return crop(translation, image.shape[2] + grown[0], image.shape[3] + grown[1])
