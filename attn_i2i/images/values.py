"""Numbers checked before they count as pictures, and taken a few rows at a time where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from torch import Tensor

from ..types import ConfigError

STRIP = 2**20  # numbers: 8 MB as float64, which a processor's cache holds, and nothing beside a large picture


def strips(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Indexes of rows (..., H, W) that are some STRIP numbers each: what is made of them takes no room worth naming."""
    axis = max(0, len(shape) - 2)
    step = max(1, STRIP * shape[axis] // max(1, prod(shape)))
    return ((slice(None),) * axis + (slice(first, first + step),) for first in range(0, shape[axis], step))


def unit_range(tensor: Tensor, what: str) -> Tensor:
    """The float tensor as float32, detached; ConfigError unless its values lie in [0, 1]."""
    if not tensor.is_floating_point():
        raise ConfigError(f"A {what} of {tensor.dtype} is ambiguous: give a float tensor in [0, 1].")
    values = tensor.detach().float()
    low, high = values.min().item(), values.max().item()
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ConfigError(f"A {what} with values from {low:.3g} to {high:.3g} was given: expected [0, 1].")
    return values.clamp(0, 1)
