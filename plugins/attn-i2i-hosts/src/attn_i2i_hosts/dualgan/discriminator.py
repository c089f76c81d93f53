"""DualGAN's critic."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from attn_i2i import Verdict
from attn_i2i.blocks import CAM, with_mask
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from ..attention import SLOPE as CAM_SLOPE
from ..attention import seen_by
from ..conventions import BGR, to_bgr
from .layers import DEVIATION, HalvingConv, Norm

WIDTHS = (1, 2, 4, 8, 8)  # channels of the five halvings, in widths
STRIDE = 32  # of five halvings


class DualDiscriminator(nn.Module):
    """Five halvings, then one number a picture ("global") or a place ("patch"): (B, C, H, W) in [-1, 1] to logits.

    The global one takes the one ``image_size`` that it was built for. ``guided`` it also reads the mask that made a
    fake, for real images too; with ``cam`` the last map passes a CAM.
    """

    published_order = BGR

    def __init__(
        self,
        width: int = 64,
        *,
        in_channels: int = 3,
        kind: Literal["global", "patch"] = "global",
        image_size: int = 256,
        guided: bool = False,
        cam: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.masked = in_channels, guided
        if kind not in ("global", "patch") or (kind == "global" and image_size % STRIDE):
            raise ConfigError(
                f"DualGAN's discriminator: kind={kind!r}, image_size={image_size} were given, expected 'patch', or"
                f" 'global' and a multiple of {STRIDE}."
            )
        channels = [in_channels + guided, *(width * times for times in WIDTHS)]
        self.layers = nn.ModuleList(HalvingConv(a, b, 3 if i else 5) for i, (a, b) in enumerate(pairwise(channels)))
        self.norms = nn.ModuleList(Norm(b) for b in channels[2:])
        self.cam = CAM(channels[-1], slope=CAM_SLOPE) if cam else None
        if kind == "patch":
            self.last: nn.Module = HalvingConv(channels[-1], 1, 3)
        else:
            self.image_size = image_size
            self.last = nn.Conv2d(channels[-1], 1, image_size // STRIDE)
            nn.init.normal_(self.last.weight, 0.0, DEVIATION)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        only = getattr(self, "image_size", None)
        if only is not None and image.shape[2:] != (only, only):
            raise ShapeError(f"This discriminator of DualGAN takes {only}x{only}, got {tuple(image.shape[2:])}.")
        seen = to_bgr(image)
        x = F.leaky_relu(self.layers[0](with_mask(seen, attention) if self.masked else seen), 0.2)
        for conv, norm in zip(self.layers[1:], self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return (seen_by(self.cam, x, self.last),)
