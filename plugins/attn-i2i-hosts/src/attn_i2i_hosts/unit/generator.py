"""One direction of UNIT: the encoder of one domain, the decoder of the other."""

from __future__ import annotations

import torch
from attn_i2i import Translation
from attn_i2i.blocks import ResBlock, SoftmaxHead, crop, pad_to_multiple
from attn_i2i.types import ConfigError
from torch import Tensor, nn

from .parts import ContentEncoder, PictureHead, up


class UNIT(nn.Module):
    """UNIT's translation (arXiv:1703.00848, figure 1): (B, C, H, W) in [-1, 1] to the other domain.

    As released, nothing is shared between the domains. ``noise``, of the latent's shape, is added to it; without one
    unit noise in training mode, and none otherwise. With ``masks`` the decoder ends in AttentionGAN II's head, whose
    last mask is the background's.
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
    ) -> None:
        super().__init__()
        if masks and (in_channels, out_channels) != (3, 3):
            raise ConfigError("UNIT: masks need three channels in and out.")
        self.channels = in_channels, out_channels
        self.encoder = ContentEncoder(width, blocks, downs, in_channels)
        features, self.stride = self.encoder.out_channels, self.encoder.stride
        self.blocks = nn.Sequential(*(ResBlock(features) for _ in range(blocks)))
        self.head: nn.Module = PictureHead(features, self.stride, out_channels)
        if masks:
            self.head = SoftmaxHead(features, self.stride, masks=masks, up=up)

    def decode(self, latent: Tensor, source: Tensor) -> Translation:
        """A (B, C, h, w) latent as a picture; an attention head blends it into ``source``."""
        features = self.blocks(latent)
        if isinstance(self.head, SoftmaxHead):
            return self.head(features, source)
        return Translation(self.head(features))

    def forward(self, image: Tensor, domain: Tensor | None = None, noise: Tensor | None = None) -> Translation:
        padded = pad_to_multiple(image, self.stride, minimum=2 * self.stride)
        latent = self.encoder(padded)
        if noise is None and self.training:
            noise = torch.randn_like(latent)
        if noise is not None:
            latent = latent + noise
        return crop(self.decode(latent, padded), image.shape[2], image.shape[3])
