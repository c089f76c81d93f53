"""Instance normalisation (Ulyanov et al., arXiv:1607.08022) by each image's own statistics."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import exporting


class InstanceNorm2d(nn.InstanceNorm2d):
    """``nn.InstanceNorm2d`` without running statistics, run as a group norm of one channel a group.

    The same numbers; on a CPU three times faster, forward and backward.

    >>> InstanceNorm2d(8)(torch.randn(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels: int, *, affine: bool = False) -> None:
        super().__init__(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        compiled = torch.compiler.is_compiling() and not exporting()
        norm = opaque if compiled and x.device.type == "cpu" and not torch.is_grad_enabled() else _norm
        return norm(x, self.weight, self.bias, self.eps)


def _norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    return F.group_norm(x, x.shape[1], weight, bias, eps)


@torch.library.custom_op("attn_i2i::instance_norm", mutates_args=())
def opaque(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """``_norm`` as one operator: what a compiler makes of its parts is five times slower on a CPU."""
    return _norm(x, weight, bias, eps)


@opaque.register_fake
def _(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
