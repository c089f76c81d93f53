"""Spectral normalisation that divides what a layer returns, not its weight (Miyato et al., arXiv:1802.05957)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Iterate = Literal["training", "always"]


class SpectralNorm(nn.Module):
    """Estimates the largest singular value of a weight by one power iteration a call.

    Called with a weight (out, ...), returns (), differentiable in the weight. ``iterate="training"`` iterates in
    training mode only and stores both vectors (PyTorch); ``"always"`` iterates at every call from the stored ``u``,
    keeping the result in training mode only (the TensorFlow release of U-GAT-IT).
    """

    def __init__(self, out_features: int, in_features: int, iterate: Iterate = "training") -> None:
        super().__init__()
        self.iterate = iterate
        self.register_buffer("u", F.normalize(torch.randn(out_features), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(in_features), dim=0), persistent=iterate == "training")
        self.u: Tensor
        self.v: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.flatten(1)
        u, v = self.u, self.v
        if self.training or self.iterate == "always":
            with torch.no_grad():
                v = F.normalize(matrix.T.mv(u), dim=0, eps=1e-12)
                u = F.normalize(matrix.mv(v), dim=0, eps=1e-12)
                if self.training:
                    self.u, self.v = u.clone(), v.clone()
        return u.dot(matrix.mv(v))


class SpectralConv2d(nn.Conv2d):
    """A convolution by weight / sigma(weight), computed as conv(x, weight) / sigma + bias, which is much cheaper.

    >>> SpectralConv2d(3, 8, 4, stride=2)(torch.zeros(1, 3, 16, 16)).shape
    torch.Size([1, 8, 7, 7])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, bias: bool = True, iterate: Iterate = "training"
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, bias=bias)
        self.spectral = SpectralNorm(out_channels, in_channels * kernel * kernel, iterate)

    def forward(self, x: Tensor) -> Tensor:
        sigma = self.spectral(self.weight)
        y = F.conv2d(x, self.weight, None, self.stride)
        if self.bias is None:
            return y / sigma
        return torch.addcmul(self.bias[:, None, None], y, 1 / sigma)
