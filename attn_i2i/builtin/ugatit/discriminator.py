"""U-GAT-IT's discriminators: a global and a local scale, each with CAM attention and spectral normalisation."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ...blocks import CAM, SpectralConv2d
from ...blocks.spectral import Iterate
from ...types import ConfigError, Verdict
from .generator import Release


class CAMDiscriminator(nn.Module):
    """One scale (arXiv:1907.10830, section 2.1.2): strided convolutions, CAM, one logit a patch.

    ``layers`` counts the strided and the two closing convolutions. Reflection pads each by 1; the TensorFlow release
    pads stride-1 convolutions by 1 before and 2 after. ``cam=False`` leaves the attention out.
    """

    def __init__(self, width: int, layers: int, release: Release, cam: bool = True, channels: int = 3) -> None:
        super().__init__()
        tf = release == "tensorflow"
        iterate: Iterate = "always" if tf else "training"
        strided = layers - 2
        if strided < 1:
            raise ConfigError(f"layers={layers} is too few: a scale needs at least 3.")
        widths = [channels, *(width * 2**i for i in range(strided + 1))]
        self.stride_one_pad = (1, 2, 1, 2) if tf else (1, 1, 1, 1)
        self.convs = nn.ModuleList(
            SpectralConv2d(a, b, 4, stride=2 if i < strided else 1, iterate=iterate)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.cam = None
        if cam:
            scale_by: Literal["raw", "normalised"] = "normalised" if tf else "raw"
            self.cam = CAM(widths[-1], shared=tf, slope=0.2, spectral=iterate, scale_by=scale_by)
        self.logits = SpectralConv2d(widths[-1], 1, 4, bias=tf, iterate=iterate)

    def forward(self, image: Tensor, passes: int = 1) -> Verdict:
        x = image
        for conv in self.convs[:-1]:
            x = F.leaky_relu_(conv(F.pad(x, (1, 1, 1, 1), mode="reflect"), passes), 0.2)
        x = F.leaky_relu_(self.convs[-1](F.pad(x, self.stride_one_pad, mode="reflect"), passes), 0.2)
        cam_logits, heatmap = None, None
        if self.cam is not None:
            x, cam_logits, heatmap = self.cam(x, passes)
        logits = self.logits(F.pad(x, self.stride_one_pad, mode="reflect"), passes)
        return Verdict(logits, cam_logits=cam_logits, heatmap=heatmap)


class UGATITDiscriminator(nn.Module):
    """Global and local scale together: (B, C, H, W) to the verdicts (global, local).

    ``layers`` of the global scale is 7, of the local 5, as released. ``passes`` says that ``image`` holds as many equal
    batches. In training each batch gets a power iteration of its own, as in separate calls.
    """

    def __init__(
        self,
        width: int = 64,
        global_layers: int = 7,
        local_layers: int = 5,
        release: Release = "pytorch",
        cam: bool = True,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.scales = nn.ModuleDict(
            {
                "global": CAMDiscriminator(width, global_layers, release, cam, channels),
                "local": CAMDiscriminator(width, local_layers, release, cam, channels),
            }
        )

    def forward(self, image: Tensor, attention: Tensor | None = None, passes: int = 1) -> tuple[Verdict, ...]:
        return tuple(scale(image, passes) for scale in self.scales.values())
