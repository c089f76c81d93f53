"""One direction of MUNIT: the content of a picture in the style of the other domain."""

from __future__ import annotations

from typing import Literal

import torch
from attn_i2i import Translation
from attn_i2i.blocks import CAM, SoftmaxHead, crop, pad_to_multiple
from torch import Tensor, nn

from ..attention import Encoded, attended, check_choice, check_masks
from ..unit.parts import ContentEncoder, PictureHead, up_for
from .parts import AdaINBlock, StyleEncoder

SMALLEST = 32  # of which the style encoder leaves two pixels


class MUNIT(nn.Module):
    """MUNIT's translation (arXiv:1804.04732, figure 3): encode the content, decode it in a style of the other domain.

    Holds the source domain's content encoder, and the target domain's style encoder and decoder. Without a ``style``
    one is drawn from the prior N(0, 1) in training mode, and the prior's mean is taken otherwise. With ``masks`` the
    decoder ends in AttentionGAN II's head, whose last mask is the background's; with 0 it ends in the image, as
    published. With ``cam`` the content is what a CAM makes of the encoder's features. ``norm`` is that of the decoder's
    blocks, which the style steers: "adain" is published.
    """

    auxiliary = ("style_encoder",)

    def __init__(
        self,
        width: int = 64,
        blocks: int = 4,
        style_dim: int = 8,
        mlp_width: int = 256,
        masks: int = 0,
        *,
        downs: int = 2,
        in_channels: int = 3,
        out_channels: int = 3,
        cam: bool = False,
        norm: Literal["adain", "adalin"] = "adain",
    ) -> None:
        super().__init__()
        check_masks("MUNIT", masks, in_channels, out_channels)
        check_choice("MUNIT", "norm", norm, "adain", "adalin")
        self.channels = in_channels, out_channels
        self.content = ContentEncoder(width, blocks, downs, in_channels)
        features, self.stride = self.content.out_channels, self.content.stride
        self.style_encoder = StyleEncoder(width, style_dim, out_channels)
        self.mlp = nn.Sequential(
            nn.Linear(style_dim, mlp_width),
            nn.ReLU(inplace=True),
            nn.Linear(mlp_width, mlp_width),
            nn.ReLU(inplace=True),
            nn.Linear(mlp_width, 4 * features * blocks),
        )
        self.cam = CAM(features) if cam else None
        self.blocks = nn.ModuleList(AdaINBlock(features, norm == "adalin") for _ in range(blocks))
        self.head: nn.Module = PictureHead(features, self.stride, out_channels, up_for(norm))
        if masks:
            self.head = SoftmaxHead(features, self.stride, masks=masks, up=up_for(norm))
        self.style_dim = style_dim

    def style_of(self, image: Tensor) -> Tensor:
        """(B, style_dim) styles of (B, C, H, W) images of the target domain."""
        return self.style_encoder(pad_to_multiple(image, 1, minimum=SMALLEST))

    def prior(self, image: Tensor) -> Tensor:
        """One random style for each image of a batch."""
        return torch.randn(len(image), self.style_dim, device=image.device, dtype=image.dtype)

    def attend(self, image: Tensor) -> Encoded:
        """The content of images whose sides are multiples of the stride, and what the CAM told of it."""
        return attended(self.cam, self.content(image))

    def decode(self, content: Tensor, style: Tensor, source: Tensor) -> Translation:
        """A (B, C, h, w) content in (B, style_dim) styles; an attention head blends it into ``source``."""
        settings = self.mlp(style)[:, :, None, None].chunk(4 * len(self.blocks), dim=1)
        features = content
        for i, block in enumerate(self.blocks):
            features = block(features, settings[4 * i : 4 * i + 4])
        if isinstance(self.head, SoftmaxHead):
            return self.head(features, source, content)
        return Translation(self.head(features))

    def forward(self, image: Tensor, domain: Tensor | None = None, style: Tensor | None = None) -> Translation:
        if style is None:
            style = self.prior(image) if self.training else image.new_zeros(len(image), self.style_dim)
        padded = pad_to_multiple(image, self.stride, minimum=2 * self.stride)
        code = self.attend(padded)
        return crop(code.told(self.decode(code.features, style, padded)), image.shape[2], image.shape[3])
