"""DiscoGAN's generator."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from attn_i2i import Translation
from attn_i2i.blocks import CAM, SoftmaxHead, crop, pad_to_multiple
from torch import Tensor, nn

from ..attention import attended, check_masks, without_blocks
from ..conventions import BGR, UNIT_RANGE, from_unit_bgr, to_unit_bgr
from .layers import SLOPE, Statistics, down, drawn, up


class DiscoGAN(nn.Module):
    """Four convolutions down, four up, sigmoid (arXiv:1703.05192, section 2.4): (B, C, H, W) in [-1, 1] to the same.

    ``extra_layers`` puts ``latent`` numbers a place between the halves, as for chairs, cars and faces; sides grow to 64
    then. In evaluation ``statistics`` "running" normalises by the stored statistics. With "batch" it normalises by the
    pictures of a call, as the release does: an answer then depends on the other pictures of its batch. With ``masks``
    it ends in AttentionGAN II's head, whose last mask is the background's. With ``cam`` the features
    of the first half pass a CAM. There is no other ``norm``.
    """

    published_range, published_order = UNIT_RANGE, BGR

    def __init__(
        self,
        width: int = 64,
        *,
        in_channels: int = 3,
        out_channels: int = 3,
        extra_layers: bool = False,
        latent: int = 100,
        statistics: Statistics = "running",
        masks: int = 0,
        cam: bool = False,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        without_blocks("DiscoGAN", norm, "batch")
        check_masks("DiscoGAN", masks, in_channels, out_channels)
        self.channels, self.minimum = (in_channels, out_channels), 64 if extra_layers else 16
        w = width
        self.first = nn.Sequential(drawn(nn.Conv2d(in_channels, w, 4, 2, 1, bias=False)), nn.LeakyReLU(SLOPE))
        self.down = nn.Sequential(*(down(a, b, statistics) for a, b in pairwise((w, 2 * w, 4 * w, 8 * w))))
        self.cam = CAM(8 * w) if cam else None
        between = (down(8 * w, latent, statistics, stride=1), up(latent, 8 * w, statistics, stride=1))
        self.between = nn.Sequential(*(between if extra_layers else ()))
        if masks:
            self.head = SoftmaxHead(8 * w, 16, masks=masks, up=partial(up, statistics=statistics))
        else:
            self.up = nn.Sequential(*(up(a, b, statistics) for a, b in pairwise((8 * w, 4 * w, 2 * w, w))))
            self.last = drawn(nn.ConvTranspose2d(w, out_channels, 4, 2, 1, bias=False))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        padded = pad_to_multiple(image, 16, minimum=self.minimum)
        code = attended(self.cam, self.down(self.first(to_unit_bgr(padded))))
        features = self.between(code.features)
        if hasattr(self, "head"):
            translation = self.head(features, padded)
        else:
            translation = Translation(from_unit_bgr(self.last(self.up(features)).sigmoid()))
        return crop(code.told(translation), image.shape[2], image.shape[3])
