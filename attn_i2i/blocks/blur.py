"""Antialiased changes of resolution (Zhang, arXiv:1904.11486), as CUT uses them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BlurDown(nn.Module):
    """Halve the resolution of (B, C, H, W) after a binomial blur: [1 2 1] along both axes, reflected at the border.

    >>> BlurDown()(torch.ones(1, 2, 8, 6))[0, 0]
    tensor([[1., 1., 1.],
            [1., 1., 1.],
            [1., 1., 1.],
            [1., 1., 1.]])
    """

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", taps[:, None] * taps, persistent=False)
        self.kernel: Tensor

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 3, 3)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, stride=2, groups=channels)


class BlurUp(nn.Module):
    """Double the resolution of (B, C, H, W) by the kernel [1 3 3 1], borders repeated: bilinear upsampling.

    >>> BlurUp()(torch.tensor([[[[0.0, 4.0]]]]))[0, 0, 0]
    tensor([0., 1., 3., 4.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
