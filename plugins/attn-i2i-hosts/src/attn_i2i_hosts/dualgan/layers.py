"""TensorFlow's convolutions and the release's norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6  # under the root of the norm's variance
DEVIATION = 0.02  # of first weights; convolutions are cut off at two deviations


def same_before(size: int, kernel: int) -> tuple[int, int]:
    """TensorFlow's SAME at stride 2: how much is padded before and after ``size`` pixels.

    >>> same_before(256, 5), same_before(256, 3), same_before(1, 3)
    ((1, 2), (0, 1), (1, 1))
    """
    total = max((-(-size // 2) - 1) * 2 + kernel - size, 0)
    return total // 2, total - total // 2


class HalvingConv(nn.Conv2d):
    """A convolution that halves the resolution, rounding up, padded as TensorFlow's SAME: any H and W."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__(in_channels, out_channels, kernel, 2)
        nn.init.trunc_normal_(self.weight, 0.0, DEVIATION, -2 * DEVIATION, 2 * DEVIATION)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        height, width = (same_before(size, self.kernel_size[0]) for size in x.shape[2:])
        return super().forward(F.pad(x, (*width, *height)))


class DoublingConv(nn.ConvTranspose2d):
    """The gradient of a ``HalvingConv``: (B, C, H, W) to a size that halves to H, W."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__(in_channels, out_channels, kernel, 2)
        nn.init.normal_(self.weight, 0.0, DEVIATION)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:  # type: ignore[override]
        whole = super().forward(x)
        top, left = (same_before(side, self.kernel_size[0])[0] for side in size)
        return whole[..., top : top + size[0], left : left + size[1]]


class Norm(nn.Module):
    """Instance norm with scale and shift; at 1x1 the shift is all that is left.

    TensorFlow holds the mean inside the variance constant in derivatives. A second derivative, which the gradient
    penalty is, differs by that.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels).normal_(1.0, DEVIATION))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean((2, 3), keepdim=True)
        variance = (x - x.mean((2, 3), keepdim=True).detach()).square().mean((2, 3), keepdim=True)
        scale = self.weight[:, None, None] * (variance + EPSILON).rsqrt()
        return centred * scale + self.bias[:, None, None]
