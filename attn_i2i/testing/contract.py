"""What every check shares: the error, building a part, and shapes and values in words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ..registry import INTERRUPTIONS
from ..types import AttnI2IError

Factory: TypeAlias = nn.Module | Callable[[], nn.Module]


class ContractError(AttnI2IError, AssertionError):
    """A part that breaks the contract: what it returned, what was expected, what to do."""


def expect(holds: object, message: str) -> None:
    """Raise ContractError with ``message`` unless ``holds``."""
    if not holds:
        raise ContractError(message)


def call(part: Callable[..., Any], *arguments: object, doing: str) -> Any:
    """Call an author's code; whatever it raises becomes one line that says what was being done."""
    try:
        return part(*arguments)
    except (ContractError, *INTERRUPTIONS):
        raise
    except BaseException as error:
        text = " ".join(str(error).split())
        raise ContractError(f"{doing} raised {type(error).__name__}: {text[:300]}") from error


def build(part: Factory) -> nn.Module:
    """A module of its own to try things on: a copy, or what the factory makes from its defaults."""
    if isinstance(part, nn.Module):
        return copy.deepcopy(part)
    module = call(part, doing="Building it from its defaults (every option needs one)")
    expect(isinstance(module, nn.Module), f"The factory returned {kind(module)}, not an nn.Module.")
    return module


def kind(value: object) -> str:
    """A value in words: its shape for a tensor, its type for anything else."""
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" if shape is None else f"a tensor of shape {tuple(shape)}"


def check_shape(name: str, value: object, shape: tuple[int | None, ...], advice: str) -> None:
    """``value`` is a tensor of ``shape``; None stands for any length of at least 1."""
    actual = tuple(value.shape) if isinstance(value, Tensor) else ()
    fits = (
        isinstance(value, Tensor)
        and len(actual) == len(shape)
        and all(a == wanted or (wanted is None and a > 0) for a, wanted in zip(actual, shape, strict=True))
    )
    expected = ", ".join("any" if length is None else str(length) for length in shape)
    expect(fits, f"{name} is {kind(value)}, expected a tensor of shape ({expected}): {advice}")


def check_finite(named: Iterable[tuple[str, Tensor]], when: str) -> None:
    for name, value in named:
        expect(torch.isfinite(value).all(), f"{name} holds infinite or NaN values {when}.")
