"""DualGAN's generator."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from attn_i2i import Translation
from attn_i2i.blocks import CAM, SoftmaxHead, crop, pad_to_multiple
from attn_i2i.types import ConfigError
from torch import Tensor, nn

from ..attention import Encoded, attended, check_masks, without_blocks
from ..conventions import BGR, to_bgr
from .layers import DoublingConv, HalvingConv, Norm

DOWN = (1, 2, 4, 8, 8, 8, 8, 8)  # channels of the eight halvings, in widths
UP = (8, 8, 8, 8, 4, 2, 1)  # channels of the doublings before the last, in widths
SLOPE = 0.2  # of the leaky ReLU, as released
SEEN = 3  # place of the map that a CAM attends to, a sixteenth of the image; deeper ones may hold nothing of it


class DualGAN(nn.Module):
    """A U-Net of eight halvings (arXiv:1704.02510, section 3.2): (B, C, H, W) in [-1, 1], any sides, to the same.

    It was published for 256 pixels, where the innermost map is 1x1. There its norm leaves nothing of the picture; at
    128 pixels nothing is left in the three innermost maps. With ``masks`` it ends in AttentionGAN II's head, whose last
    mask is the background's.

    With ``cam`` the fourth map passes a CAM, on the way down and across. There is no other ``norm``.
    """

    published_order = BGR

    def __init__(
        self,
        width: int = 64,
        *,
        in_channels: int = 3,
        out_channels: int = 3,
        masks: int = 0,
        cam: bool = False,
        norm: str = "instance",
    ) -> None:
        super().__init__()
        without_blocks("DualGAN", norm, "instance")
        check_masks("DualGAN", masks, in_channels, out_channels)
        self.channels = in_channels, out_channels
        below = [in_channels, *(width * times for times in DOWN)]
        self.down = nn.ModuleList(HalvingConv(a, b, 3 if i else 5) for i, (a, b) in enumerate(pairwise(below)))
        self.down_norms = nn.ModuleList(Norm(channels) for channels in below[2:])
        above = [width * times for times in UP]
        skips = below[-2:0:-1]
        inputs = [below[-1], *(a + b for a, b in zip(above, skips, strict=True))]
        self.up = nn.ModuleList(DoublingConv(a, b, 3) for a, b in zip(inputs, above, strict=False))
        self.up_norms = nn.ModuleList(Norm(channels) for channels in above)
        self.cam = CAM(below[1 + SEEN]) if cam else None
        if masks:
            self.head = SoftmaxHead(inputs[-1], 2, masks=masks)
        else:
            self.last = DoublingConv(inputs[-1], out_channels, 5)

    def _encode(self, image: Tensor) -> tuple[list[Tensor], Encoded]:
        """The eight maps before their activations, the innermost last, and what a CAM told of one of them."""
        maps = [self.down[0](image)]
        code = Encoded(image)
        for i, (conv, norm) in enumerate(zip(self.down[1:], self.down_norms, strict=True), 1):
            x = norm(conv(F.leaky_relu(maps[-1], SLOPE)))
            if i == SEEN:
                code = attended(self.cam, x)
                x = code.features
            maps.append(x)
        return maps, code

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        if isinstance(
            image.shape[2], torch.SymInt
        ):  # a side that stands for every number, in a graph that is being made
            raise ConfigError(
                "DualGAN cannot be exported for every size, because its inner maps have one pixel at some sizes and"
                " several at others: fix the size (size=256)."
            )
        source = pad_to_multiple(image, 2) if hasattr(self, "head") else image
        maps, code = self._encode(to_bgr(source))
        x = maps.pop()
        for conv, norm in zip(self.up, self.up_norms, strict=True):
            skip = maps.pop()
            x = torch.cat([norm(conv(F.relu(x), skip.shape[2:])), skip], dim=1)
        if hasattr(self, "head"):
            return crop(code.told(self.head(F.relu(x), source)), image.shape[2], image.shape[3])
        return code.told(Translation(to_bgr(self.last(F.relu(x), image.shape[2:]).tanh())))
