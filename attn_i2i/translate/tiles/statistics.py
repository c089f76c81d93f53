"""Statistics of a whole map, gathered strip by strip, and the norms that use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ...devices import widest

EXTREMES = {"amax": torch.maximum, "amin": torch.minimum}


class Gathering(Protocol):
    """Strips go in one after the other; ``result`` is what the operation gives for the whole map."""

    def add(self, strip: Tensor) -> None: ...

    def result(self) -> Tensor: ...


@dataclass(frozen=True)
class Moments:
    """Mean and biased variance of (B, C, H, W) over pixels and channels of a group: (2, B, groups).

    ``groups`` of -1 are as many as channels.
    """

    groups: int
    __name__ = "moments"  # a graph names its nodes by it

    def __call__(self, x: Tensor) -> Tensor:
        gathering = self.gathering(x.shape)
        gathering.add(x)
        return gathering.result()

    def gathering(self, shape: torch.Size) -> Merged:
        """An empty gathering for maps of ``shape``."""
        return Merged(self.groups if self.groups > 0 else shape[1])


@dataclass(frozen=True)
class Deviation:
    """The root of the sum of squared differences from the mean over pixels: (B, C), or with ``keep`` (B, C, 1, 1)."""

    keep: bool = False
    __name__ = "deviation"

    def __call__(self, x: Tensor) -> Tensor:
        gathering = self.gathering(x.shape)
        gathering.add(x)
        return gathering.result()

    def gathering(self, shape: torch.Size) -> Root:
        """An empty gathering for maps of ``shape``."""
        return Root(shape[1], self.keep)


def normalise(x: Tensor, moments: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """(B, C, H, W) less the mean over the deviation of its groups, then scaled and shifted by channel."""
    mean, variance = (part.repeat_interleave(x.shape[1] // part.shape[1], dim=1) for part in moments)
    scale = (variance + eps).rsqrt()
    if weight is not None:
        scale = scale * weight.to(scale)
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias.to(shift)
    wide = x.to(scale.dtype)
    return torch.addcmul(shift[:, :, None, None], wide, scale[:, :, None, None]).to(x.dtype)


class Merged:
    """Means and squared differences, merged without cancellation (Chan et al., 1979); float64 if the device has it."""

    def __init__(self, groups: int) -> None:
        self.groups, self.count = groups, 0
        self.mean = self.squares = torch.zeros(())
        self.dtype = torch.float32

    def add(self, strip: Tensor) -> None:
        """Merge the statistics of one strip with those before."""
        self.dtype = torch.promote_types(strip.dtype, torch.float32)
        values = strip.to(self.dtype).reshape(len(strip), self.groups, -1)
        count = values.shape[-1]
        mean = values.mean(-1)
        # On a CPU torch.var_mean takes three times as long as both of these.
        wide = widest(strip.device)
        squares = torch.linalg.vector_norm(values - mean[..., None], dim=-1).to(wide).square()
        mean = mean.to(wide)
        if self.count:
            total = self.count + count
            step = mean - self.mean
            squares = self.squares + squares + step.square() * (self.count * count / total)
            mean = self.mean + step * (count / total)
        self.count, self.mean, self.squares = self.count + count, mean, squares

    def result(self) -> Tensor:
        """Mean and biased variance, (2, B, groups)."""
        return torch.stack([self.mean, self.squares / self.count]).to(self.dtype)


class Root(Merged):
    """What ``Deviation`` gives."""

    def __init__(self, channels: int, keep: bool) -> None:
        super().__init__(channels)
        self.keep = keep

    def result(self) -> Tensor:
        root = self.squares.sqrt().to(self.dtype)
        return root[:, :, None, None] if self.keep else root


class Reduced:
    """A mean, sum, maximum, minimum or vector norm over ``axes``, which hold the rows; ``dtype`` is the answer's."""

    def __init__(self, kind: str, axes: Sequence[int], keep: bool, dtype: torch.dtype) -> None:
        self.kind, self.axes, self.keep, self.dtype = kind, tuple(axes), keep, dtype
        self.count = 0
        self.value: Tensor | None = None

    def add(self, strip: Tensor) -> None:
        """Take one strip in."""
        # Whole numbers and truth values are counted: float32 is exact for 16 million only.
        widest_here = widest(strip.device)
        wide = strip.to(torch.promote_types(strip.dtype, torch.float32) if strip.is_floating_point() else widest_here)
        options: dict[str, Any] = {"dim": self.axes, "keepdim": self.keep}
        if self.kind in ("amax", "amin"):
            part = getattr(strip, self.kind)(**options)
            self.value = part if self.value is None else EXTREMES[self.kind](self.value, part)
            return
        if self.kind == "linalg_vector_norm":
            part = torch.linalg.vector_norm(wide, **options).to(widest_here).square()
        else:
            part = wide.sum(**options).to(widest_here)
        self.value = part if self.value is None else self.value + part
        self.count += strip.numel() // max(1, part.numel())

    def result(self) -> Tensor:
        """The reduction of all strips together."""
        assert self.value is not None
        value = self.value
        if self.kind == "mean":
            value = value / self.count
        elif self.kind == "linalg_vector_norm":
            value = value.sqrt()
        return value.to(self.dtype)


class Spread(Merged):
    """A variance or standard deviation over pixels, (B, C), with the operation's ``correction``."""

    def __init__(self, channels: int, kind: str, correction: float, keep: bool) -> None:
        super().__init__(channels)
        self.kind, self.correction, self.keep = kind, correction, keep

    def result(self) -> Tensor:
        value = self.squares / max(0.0, self.count - self.correction)
        value = (self.mean if self.kind == "mean" else value.sqrt() if self.kind == "std" else value).to(self.dtype)
        return value[:, :, None, None] if self.keep else value
