"""One direction of UNIT: the encoder of one domain, the decoder of the other."""

from __future__ import annotations

from typing import Literal

import torch
from attn_i2i import Translation
from attn_i2i.blocks import CAM, ResBlock, SoftmaxHead, crop, pad_to_multiple
from torch import Tensor, nn

from ..attention import AdaLINBlocks, Encoded, attended, check_choice, check_masks
from .parts import ContentEncoder, PictureHead, up_for


class UNIT(nn.Module):
    """UNIT's translation (arXiv:1703.00848, figure 1): (B, C, H, W) in [-1, 1] to the other domain.

    As released, nothing is shared between the domains. ``noise``, of the latent's shape, is added to it; without one
    unit noise in training mode, and none otherwise. With ``masks`` the decoder ends in AttentionGAN II's head, whose
    last mask is the background's. With ``cam`` the latent is what a CAM makes of the encoder's features. ``norm`` is
    that of the decoder's blocks: "instance" is published.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 4,
        *,
        downs: int = 2,
        in_channels: int = 3,
        out_channels: int = 3,
        masks: int = 0,
        cam: bool = False,
        norm: Literal["instance", "adalin"] = "instance",
    ) -> None:
        super().__init__()
        check_masks("UNIT", masks, in_channels, out_channels)
        check_choice("UNIT", "norm", norm, "instance", "adalin")
        self.channels = in_channels, out_channels
        self.encoder = ContentEncoder(width, blocks, downs, in_channels)
        features, self.stride = self.encoder.out_channels, self.encoder.stride
        self.cam = CAM(features) if cam else None
        if norm == "adalin":
            self.blocks: nn.Module = AdaLINBlocks(features, blocks)
        else:
            self.blocks = nn.Sequential(*(ResBlock(features) for _ in range(blocks)))
        self.head: nn.Module = PictureHead(features, self.stride, out_channels, up_for(norm))
        if masks:
            self.head = SoftmaxHead(features, self.stride, masks=masks, up=up_for(norm))

    def attend(self, image: Tensor) -> Encoded:
        """The latent of images whose sides are multiples of the stride, and what the CAM told of it."""
        return attended(self.cam, self.encoder(image))

    def decode(self, latent: Tensor, source: Tensor) -> Translation:
        """A (B, C, h, w) latent as a picture; an attention head blends it into ``source``."""
        features = self.blocks(latent)
        if isinstance(self.head, SoftmaxHead):
            return self.head(features, source)
        return Translation(self.head(features))

    def forward(self, image: Tensor, domain: Tensor | None = None, noise: Tensor | None = None) -> Translation:
        padded = pad_to_multiple(image, self.stride, minimum=2 * self.stride)
        code = self.attend(padded)
        latent = code.features
        if noise is None and self.training:
            noise = torch.randn_like(latent)
        if noise is not None:
            latent = latent + noise
        return crop(code.told(self.decode(latent, padded)), image.shape[2], image.shape[3])
