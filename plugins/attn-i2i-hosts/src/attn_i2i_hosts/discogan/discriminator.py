"""DiscoGAN's discriminator."""

from __future__ import annotations

from itertools import pairwise

from attn_i2i import Verdict
from attn_i2i.blocks import CAM, with_mask
from attn_i2i.types import ShapeError
from torch import Tensor, nn

from ..attention import SLOPE as CAM_SLOPE
from ..attention import seen_by
from ..conventions import BGR, UNIT_RANGE, to_unit_bgr
from .layers import SLOPE, down, drawn

SIDE = 64  # the released size, of which one logit is left


class DiscoDiscriminator(nn.Module):
    """Five 4x4 convolutions: (B, C, H, W) in [-1, 1], sides from 64 on, to one logit where they are 64.

    The release ends in a sigmoid, which the losses here have in them. ``looked_at`` also gives the three maps that its
    feature matching compares. ``guided`` it also reads the mask that made a fake, for real images too; with ``cam`` the
    last map passes a CAM.
    """

    published_range, published_order = UNIT_RANGE, BGR

    def __init__(self, width: int = 64, *, in_channels: int = 3, guided: bool = False, cam: bool = False) -> None:
        super().__init__()
        self.channels, self.masked = in_channels, guided
        w = width
        self.first = nn.Sequential(drawn(nn.Conv2d(in_channels + guided, w, 4, 2, 1, bias=False)), nn.LeakyReLU(SLOPE))
        self.down = nn.Sequential(*(down(a, b) for a, b in pairwise((w, 2 * w, 4 * w, 8 * w))))
        self.last = drawn(nn.Conv2d(8 * w, 1, 4, bias=False))
        self.cam = CAM(8 * w, slope=CAM_SLOPE) if cam else None

    def looked_at(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, tuple[Tensor, ...]]:
        """The verdict, of logits (B, 1, h, w), and the maps after the second, third and fourth activation."""
        if min(image.shape[2:]) < SIDE:
            raise ShapeError(f"DiscoGAN's discriminator needs sides of {SIDE}, got {tuple(image.shape[2:])}.")
        seen = to_unit_bgr(image)
        maps = [self.first(with_mask(seen, attention) if self.masked else seen)]
        for layer in self.down:
            maps.append(layer(maps[-1]))
        return seen_by(self.cam, maps[-1], self.last), tuple(maps[1:])

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (self.looked_at(image, attention)[0],)
