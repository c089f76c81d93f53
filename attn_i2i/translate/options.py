"""The options of one translation, checked: how much of the output counts, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from ..masks import composite
from ..types import ConfigError, UnknownNameError

Domain: TypeAlias = "str | Sequence[str] | Sequence[float] | Tensor"


@dataclass(frozen=True)
class Options:
    """How a network's output and its source become one picture.

    The weight of the output is ``strength``, times the caller's mask where one is given, times the foreground mask
    where ``keep_background`` or ``threshold`` is; ``threshold`` makes that mask 0 or 1 first. ``size="fit"`` resizes
    to the size of a network that takes one size only, and back.
    """

    strength: float = 1.0
    threshold: float | None = None
    keep_background: bool = False
    size: Literal["fit"] | None = None

    def __post_init__(self) -> None:
        for name, value in (("strength", self.strength), ("threshold", self.threshold)):
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name}={value} was given: expected a number from 0 to 1.")
        if self.size not in (None, "fit"):
            raise ConfigError(f'size={self.size!r} was given: expected None or "fit".')

    @property
    def composites(self) -> bool:
        """Whether the foreground mask decides what of the source is kept."""
        return self.keep_background or self.threshold is not None

    def compose(self, output: Tensor, source: Tensor, mask: Tensor | None, limit: Tensor | None) -> Tensor:
        """The final picture; where the weight is 0 it is ``source`` bit for bit, where it is 1 ``output``."""
        if self.composites and mask is None and limit is None:
            raise ConfigError(
                "This network has no attention mask, so keep_background and threshold have nothing to go by:"
                " give a mask of your own (mask), or leave them out."
            )
        areas = [mask if self.composites else None, limit]
        return composite(output, source, areas, self.strength)


def domain_vector(domain: Domain | None, names: Sequence[str] | None, count: int | None) -> Tensor | None:
    """The (1, count) target label of a multi-domain network, None for any other.

    ``domain`` names the labels to set to 1 (a list, or one string with commas), all others are 0; or it is the vector
    itself. ``names`` are the model's labels. Raises ConfigError or UnknownNameError.
    """
    if count is None:
        if domain is not None:
            raise ConfigError(f"domain={domain!r} was given, but this model translates to one domain: leave it out.")
        return None
    known = ", ".join(names) if names else f"{count} labels without names: give a vector of 0 and 1"
    if domain is None:
        raise ConfigError(f"This model translates to several domains: choose with domain. It knows {known}.")
    if isinstance(domain, Tensor):
        values = domain.detach().float().flatten().tolist()
    else:
        parts = [part.strip() for part in domain.split(",")] if isinstance(domain, str) else list(domain)
        values = _from_names([str(part) for part in parts], names or (), known)
    if len(values) != count or not all(0 <= value <= 1 for value in values):
        raise ConfigError(f"The domain {domain!r} was given: expected {count} numbers from 0 to 1, or names: {known}.")
    return torch.tensor([values])


def _from_names(parts: list[str], names: Sequence[str], known: str) -> list[float]:
    """Numbers as they are, else 1 for each named label."""
    if not set(parts) <= set(names):
        try:
            return [float(part) for part in parts]
        except ValueError:
            wrong = next(part for part in parts if part not in names)
            raise UnknownNameError(f"No domain is named {wrong!r}. This model knows {known}.") from None
    return [float(name in parts) for name in names]
