"""Numbers checked before they count as pictures."""

from __future__ import annotations

from torch import Tensor

from ..types import ConfigError


def unit_range(tensor: Tensor, what: str) -> Tensor:
    """The float tensor as float32, detached; ConfigError unless its values lie in [0, 1]."""
    if not tensor.is_floating_point():
        raise ConfigError(f"A {what} of {tensor.dtype} is ambiguous: give a float tensor in [0, 1].")
    values = tensor.detach().float()
    low, high = values.min().item(), values.max().item()
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise ConfigError(f"A {what} with values from {low:.3g} to {high:.3g} was given: expected [0, 1].")
    return values.clamp(0, 1)
