"""Convolutions that take the cheapest way to their answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .winograd import TILE, winograd_conv2d

Padding = Literal["zeros", "reflect", "replicate"]
PAD_MODES = {"zeros": "constant"}
"""What ``F.pad`` calls a padding, where it has another name."""
Method = Callable[[Tensor, Tensor, Tensor | None], Tensor]
WaySteps = tuple[tuple[int, str], ...]
"""Ways by size: from so many pixels of a batch on, this one; the first from 0."""
Ways = tuple[WaySteps, WaySteps]
"""Ways that round as torch does, and ways where Winograd's rounding is allowed too."""
MANY_CHANNELS, MANY_TILES = 128, 64  # a choice: with few channels or tiles the transforms outweigh what they save
FEW_OUTPUTS, ROWS = 4, 64  # up to RGBA; rows of a picture that the narrow last convolution works on at a time


def exporting() -> bool:
    """Whether a graph for every size is being made; torch before 2.7 cannot tell exporting from compiling."""
    return bool(getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)())


def _plain() -> bool:
    """Exported and traced graphs keep plain convolutions."""
    return torch.jit.is_tracing() or exporting()


class Conv2d(nn.Conv2d):
    """``nn.Conv2d`` of an odd ``kernel`` and stride 1 that keeps the size: the same parameters and answers.

    On a CPU it goes the way that ``attn_i2i.tuning`` measured to be the quickest. Until something was measured, large
    kernels to very few channels go column by column, and wide 3x3 convolutions by Winograd's algorithm. The latter
    only if ``allow_winograd`` or ``torch.set_float32_matmul_precision("high")`` allows its rounding.

    >>> Conv2d(8, 16, 3, padding_mode="reflect")(torch.zeros(1, 8, 6, 6)).shape
    torch.Size([1, 16, 6, 6])
    """

    winograd: bool | None = None
    ways: Ways | None = None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        padding_mode: Padding = "zeros",
        bias: bool = True,
    ) -> None:
        mode = padding_mode if kernel > 1 else "zeros"
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, padding_mode=mode, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.by(self._method(x), x)

    def by(self, method: Method | None, x: Tensor) -> Tensor:
        """The answer by one of ``METHODS``."""
        if method is None:
            return super().forward(x)
        pad = self.kernel_size[0] // 2
        padded = F.pad(x, (pad,) * 4, mode=PAD_MODES.get(self.padding_mode, self.padding_mode))
        return method(padded, self.weight, self.bias)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The ways that may be the quickest for these channels and this kernel."""
        narrow = ("columns",) if self.out_channels <= FEW_OUTPUTS < self.kernel_size[1] else ()
        wide = self.kernel_size == (3, 3) and min(self.in_channels, self.out_channels) >= MANY_CHANNELS
        return ("direct", *narrow, *(("winograd",) if wide else ()), "channels-last")

    def _method(self, x: Tensor) -> Method | None:
        """The quick method that suits x; None for torch's own."""
        precise = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
        if x.device.type != "cpu" or not precise or _plain():
            return None
        allowed = _rounding_allowed() if self.winograd is None else self.winograd
        if self.ways is not None:
            return METHODS[way_at(self.ways[int(allowed)], x.shape[0] * x.shape[2] * x.shape[3])]
        if "columns" in self.candidates:
            return conv2d_by_columns
        return winograd_conv2d if "winograd" in self.candidates and allowed and _tiles(x) >= MANY_TILES else None


def way_at(steps: WaySteps, pixels: int) -> str:
    """The way that a batch of so many pixels takes.

    >>> way_at(((0, "direct"), (2048, "winograd")), 4096)
    'winograd'
    """
    way = steps[0][1]
    for least, other in steps[1:]:
        if pixels < least:
            break
        way = other
    return way


def allow_winograd(module: nn.Module, allowed: bool | None = True) -> None:
    """Let the wide 3x3 convolutions inside ``module`` take Winograd's algorithm on a CPU, or forbid it.

    It is up to 1.8 times faster, forward and backward, on some processors, and slower on others; see
    ``attn_i2i.tuning``. It rounds ten times more, to some 2e-6 of the answer's deviation. None leaves the choice to
    ``torch.set_float32_matmul_precision``, where "highest" is without.

    >>> from attn_i2i.blocks import ResBlock
    >>> allow_winograd(ResBlock(128))
    """
    for part in module.modules():
        if isinstance(part, Conv2d):
            part.winograd = allowed


def _rounding_allowed() -> bool:
    return torch.get_float32_matmul_precision() != "highest"


# What torch.compiler.assume_constant_result does, without the seconds that importing the compiler takes.
_rounding_allowed._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _tiles(x: Tensor) -> int:
    return x.shape[0] * -(-x.shape[2] // TILE) * -(-x.shape[3] // TILE)


def conv2d_by_columns(padded: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """What ``conv2d(padded, weight, bias)`` gives, by one (k, 1) convolution for all columns of the kernel.

    A CPU computes at least 16 output channels at a time: 3 leave it mostly idle, 3 for each of 7 columns do not.
    Some rows at a time, so that little is held besides.
    """
    outputs, inputs, height, width = weight.shape
    columns = weight.permute(0, 3, 1, 2).reshape(outputs * width, inputs, height, 1)
    rows = padded.shape[2] - height + 1
    step = rows if torch.compiler.is_compiling() else ROWS
    parts = [
        _add_columns(F.conv2d(padded[:, :, i : i + step + height - 1], columns).unflatten(1, (outputs, width)))
        for i in range(0, rows, step)
    ]
    result = torch.cat(parts, 2)
    return result if bias is None else result + bias[:, None, None]


def _add_columns(partial: Tensor) -> Tensor:
    """(B, O, k, H, W + k - 1), what each column of a kernel gave, to their sum (B, O, H, W)."""
    across = partial.shape[-1] - partial.shape[2] + 1
    return reduce(torch.add, (column[..., i : i + across] for i, column in enumerate(partial.unbind(2))))


def conv2d_channels_last(padded: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """What ``conv2d(padded, weight, bias)`` gives, computed with the channels of a pixel side by side."""
    layout = torch.channels_last
    answer = F.conv2d(padded.contiguous(memory_format=layout), weight.contiguous(memory_format=layout), bias)
    return answer.contiguous()


METHODS: dict[str, Method | None] = {
    "direct": None,
    "winograd": winograd_conv2d,
    "columns": conv2d_by_columns,
    "channels-last": conv2d_channels_last,
}
"""The ways of a convolution by name; None is torch's own."""
EXACT = frozenset({"direct", "columns", "channels-last"})
"""The ways that round as torch's own does."""


class ConvTranspose2d(nn.ConvTranspose2d):
    """``nn.ConvTranspose2d``; where no gradient is wanted, one half of the channels after the other.

    A CPU holds an answer of this kind three times over before it is done, and this is the largest of a decoder.

    >>> ConvTranspose2d(16, 8, 3, 2, 1, 1)(torch.zeros(1, 16, 4, 4)).shape
    torch.Size([1, 8, 8, 8])
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        whole = torch.is_grad_enabled() or x.device.type != "cpu" or torch.compiler.is_compiling() or _plain()
        if whole or output_size is not None or self.groups > 1:
            return super().forward(x, output_size)
        weights = self.weight.chunk(2, 1)
        biases = (None,) * len(weights) if self.bias is None else self.bias.chunk(2)
        geometry: Any = (self.stride, self.padding, self.output_padding, 1, self.dilation)
        halves = [F.conv_transpose2d(x, w, b, *geometry) for w, b in zip(weights, biases, strict=True)]
        return torch.cat(halves, 1)


class UpConv2d(nn.Conv2d):
    """Nearest-neighbour doubling, then a padded convolution: (B, C, H, W) to (B, O, 2H, 2W).

    The doubled map is never made. With a 3x3 kernel, each of the four pixels that grow from one sees 2x2 pixels of the
    input. Its kernel's taps are sums of the 3x3 kernel's (Shi et al., arXiv:1609.05158, the other way around). A 1x1
    kernel is applied before the doubling.

    >>> UpConv2d(8, 4, 3)(torch.zeros(1, 8, 5, 6)).shape
    torch.Size([1, 4, 10, 12])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, bias: bool = True, padding: Padding = "reflect"
    ) -> None:
        mode: Padding = padding if kernel > 1 else "zeros"
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, padding_mode=mode, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):
            return F.interpolate(super().forward(x), scale_factor=2)
        if self.kernel_size != (3, 3):
            return super().forward(F.interpolate(x, scale_factor=2))
        kernels = _folded(_folded(self.weight)).flatten(0, 2)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        outside = "constant" if self.padding_mode == "zeros" else "replicate"  # a doubled border mirrors into itself
        four = F.conv2d(F.pad(x, (1, 1, 1, 1), mode=outside), kernels, bias)
        return F.pixel_shuffle(four, 2)[..., 1:-1, 1:-1]


def _folded(weight: Tensor) -> Tensor:
    """The three taps of axis 3 become, on a new axis 1, the two taps that odd and even pixels see; (O, ...)."""
    first, middle, last = weight.unbind(3)
    odd, even = (first + middle, last), (first, middle + last)
    return torch.stack([torch.stack(odd, 3), torch.stack(even, 3)], 1)
