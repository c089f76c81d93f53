"""Spectral normalisation that divides what a layer returns, not its weight (Miyato et al., arXiv:1802.05957)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Iterate = Literal["training", "always"]


class SpectralNorm(nn.Module):
    """Estimates the largest singular value of a weight by one power iteration a pass.

    Called with a weight (out, ...), returns (passes,), differentiable in the weight: what as many calls, one after
    another, would have estimated. ``iterate="training"`` iterates in training mode only and stores both vectors
    (PyTorch). ``"always"`` iterates at every call from the stored ``u`` and keeps the result in training mode only (the
    TensorFlow release of U-GAT-IT).

    >>> weight = torch.diag(torch.tensor([3.0, 1.0]))
    >>> norm = SpectralNorm(2, 2)
    >>> for _ in range(50):
    ...     sigma = norm(weight)
    >>> round(sigma.item(), 4)
    3.0
    """

    def __init__(self, out_features: int, in_features: int, iterate: Iterate = "training") -> None:
        super().__init__()
        self.iterate = iterate
        self.register_buffer("u", F.normalize(torch.randn(out_features), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(in_features), dim=0), persistent=iterate == "training")
        self.u: Tensor
        self.v: Tensor

    def forward(self, weight: Tensor, passes: int = 1) -> Tensor:
        if not torch.amp.is_autocast_available(weight.device.type):  # as on the meta device
            return self._sigma(weight.flatten(1), passes)
        with torch.autocast(weight.device.type, enabled=False):  # half precision would blur sigma
            return self._sigma(weight.flatten(1), passes)

    def _sigma(self, matrix: Tensor, passes: int) -> Tensor:
        if not (self.training or self.iterate == "always"):
            return self.u.dot(matrix.mv(self.v)).expand(passes)
        vectors = self._iterate(matrix.detach(), passes)
        return torch.stack([u.dot(matrix.mv(v)) for u, v in vectors])

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, passes: int) -> list[tuple[Tensor, Tensor]]:
        """The pair (u, v) of each pass; the last is kept in training mode."""
        vectors, u, v = [], self.u, self.v
        for _ in range(passes):
            v = F.normalize(matrix.T.mv(u), dim=0, eps=1e-12)
            u = F.normalize(matrix.mv(v), dim=0, eps=1e-12)
            vectors.append((u, v))
        if self.training:
            self.u, self.v = u.clone(), v.clone()
        return vectors


def per_image(values: Tensor, batch: int) -> Tensor:
    """(passes, ...) values for the images of ``passes`` equal parts of a batch: (batch, ...), or (1, ...) for one."""
    return values if len(values) == 1 else values.repeat_interleave(batch // len(values), dim=0)


class SpectralConv2d(nn.Conv2d):
    """A convolution by weight / sigma(weight), computed as conv(x, weight) / sigma + bias, which is much cheaper.

    ``passes`` says that x holds as many equal batches, each to be treated as a call of its own, in their order.

    >>> SpectralConv2d(3, 8, 4, stride=2)(torch.zeros(1, 3, 16, 16)).shape
    torch.Size([1, 8, 7, 7])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        bias: bool = True,
        iterate: Iterate = "training",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, bias=bias)
        self.spectral = SpectralNorm(out_channels, in_channels * kernel * kernel, iterate)

    def forward(self, x: Tensor, passes: int = 1) -> Tensor:
        scale = per_image(1 / self.spectral(self.weight, passes), len(x))[:, None, None, None]
        y = F.conv2d(x, self.weight, None, self.stride)
        return y * scale if self.bias is None else torch.addcmul(self.bias[:, None, None], y, scale)
