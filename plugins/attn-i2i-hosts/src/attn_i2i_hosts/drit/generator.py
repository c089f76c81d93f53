"""One direction of DRIT: the content of a picture with an attribute of the other domain."""

from __future__ import annotations

from typing import Literal

import torch
from attn_i2i import Translation
from attn_i2i.blocks import CAM, ResBlock, crop, pad_to_multiple
from torch import Tensor, nn

from ..attention import Encoded, attended, check_choice, check_masks
from .decoders import ConcatDecoder, TransformDecoder
from .parts import STRIDE, AttributeDistribution, AttributeEncoder, ContentEncoder

DEVIATION = 0.02  # of the first weights of all convolutions
SMALLEST = 32  # of which the attribute encoders leave two pixels


class DRIT(nn.Module):
    """DRIT's translation (arXiv:1808.00948, section 3): (B, C, H, W) in [-1, 1] to the other domain.

    It holds the source domain's content encoder, and the target domain's attribute encoder and decoder. Both directions
    have one ``share`` behind the content encoder and one ``share`` in the decoder. ``variant`` "concat" appends the
    attribute to the features, "feature" transforms them by it. Without a ``style`` the attribute is drawn from N(0, 1)
    in training mode; otherwise it is the mean. ``noise``, of the content's shape, is added to the content; without it
    unit noise is added, in training mode only. With ``masks`` the decoder ends in AttentionGAN II's head, whose last
    mask is the background's.

    With ``cam`` the features pass a CAM before ``share``. ``norm`` is that of the decoder's blocks, as published
    "instance".
    """

    auxiliary = ("attribute",)

    def __init__(
        self,
        width: int = 64,
        *,
        variant: Literal["concat", "feature"] = "concat",
        style_dim: int = 8,
        in_channels: int = 3,
        out_channels: int = 3,
        masks: int = 0,
        cam: bool = False,
        norm: Literal["instance", "adalin"] = "instance",
    ) -> None:
        super().__init__()
        check_choice("DRIT", "variant", variant, "concat", "feature")
        check_masks("DRIT", masks, in_channels, out_channels)
        check_choice("DRIT", "norm", norm, "instance", "adalin")
        self.channels, self.variant = (in_channels, out_channels), variant
        self.content, self.share = ContentEncoder(width, in_channels), ResBlock(4 * width)
        self.cam = CAM(4 * width) if cam else None
        concat = variant == "concat"
        self.attribute = (AttributeDistribution if concat else AttributeEncoder)(width, style_dim, out_channels)
        decoder = ConcatDecoder if concat else TransformDecoder
        self.decoder = decoder(width, style_dim, out_channels, masks, norm == "adalin")
        self.style_dim = style_dim
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(part.weight, 0.0, DEVIATION)

    def encode(self, image: Tensor, noise: Tensor | None = None) -> Tensor:
        """(B, 4 * width, H/4, W/4) content of images whose sides are multiples of 4."""
        content = self.shared(self.attend(image))
        return content if noise is None else content + noise

    def attend(self, image: Tensor) -> Encoded:
        """The features of the source domain's own encoder, and what the CAM told of them."""
        return attended(self.cam, self.content(image))

    def shared(self, code: Encoded) -> Tensor:
        """The content that the layers of both domains make of one domain's features."""
        content: Tensor = self.share(code.features)
        return content

    def style_of(self, image: Tensor, eps: Tensor | None = None) -> Tensor:
        """(B, style_dim) attributes of images of the target domain.

        The variant "concat" knows a distribution: its mean, or the draw that ``eps`` from N(0, 1) stands for. The
        release always draws.
        """
        image = pad_to_multiple(image, 1, minimum=SMALLEST)
        if self.variant == "feature":
            return self.attribute(image)
        mean, log_variance = self.attribute(image)
        return mean if eps is None else eps * (log_variance / 2).exp() + mean

    def prior(self, image: Tensor) -> Tensor:
        """One random attribute for each image of a batch."""
        return torch.randn(len(image), self.style_dim, device=image.device, dtype=image.dtype)

    def decode(self, content: Tensor, attribute: Tensor, source: Tensor) -> Translation:
        """A content with (B, style_dim) attributes; an attention head blends it into ``source``."""
        return self.decoder(content, attribute, source)

    def forward(
        self,
        image: Tensor,
        domain: Tensor | None = None,
        style: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Translation:
        padded = pad_to_multiple(image, STRIDE, minimum=2 * STRIDE)
        code = self.attend(padded)
        content = self.shared(code)
        if noise is None and self.training:
            noise = torch.randn_like(content)
        if noise is not None:
            content = content + noise
        if style is None:
            style = self.prior(image) if self.training else image.new_zeros(len(image), self.style_dim)
        return crop(code.told(self.decode(content, style, padded)), image.shape[2], image.shape[3])
