"""The options of one translation, checked: how much of the output counts, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ..masks import composite, weight
from ..types import ConfigError


@dataclass(frozen=True)
class Options:
    """How a network's output and its source become one picture.

    The weight of the output is ``strength``, times the caller's mask if there is one. With ``keep_background`` or
    ``threshold`` it is multiplied by the foreground mask too; ``threshold`` makes that mask 0 or 1 first.
    ``size="fit"`` resizes to the size of a network that takes one size only, and back. ``color`` makes grey pictures
    RGB before. ``tile`` is how many rows are computed at a time, "auto" where the whole would not fit into memory,
    "off" never. ``max_side`` is the longest side that the network gets to see.
    """

    strength: float = 1.0
    threshold: float | None = None
    keep_background: bool = False
    size: Literal["fit"] | None = None
    color: bool = False
    tile: int | Literal["auto", "off"] = "auto"
    max_side: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("strength", self.strength), ("threshold", self.threshold)):
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"{name}={value} was given: expected a number from 0 to 1.")
        if self.size not in (None, "fit"):
            raise ConfigError(f'size={self.size!r} was given: expected None or "fit".')
        if self.tile not in ("auto", "off") and not _positive(self.tile):
            raise ConfigError(f'tile={self.tile!r} was given: expected "auto", "off" or a number of pixels.')
        if self.max_side is not None and not _positive(self.max_side):
            raise ConfigError(f"max_side={self.max_side!r} was given: expected a number of pixels.")

    @property
    def composites(self) -> bool:
        """Whether the foreground mask decides what of the source is kept."""
        return self.keep_background or self.threshold is not None

    def compose(self, output: Tensor, source: Tensor, mask: Tensor | None, limit: Tensor | None) -> Tensor:
        """The final picture; where the weight is 0 it is ``source`` bit for bit, where it is 1 ``output``."""
        if self.composites and mask is None and limit is None:
            raise ConfigError(
                "This network has no attention mask, which keep_background=True and threshold=N go by: give one of your"
                " own with mask=FILE, or leave them out."
            )
        return composite(output, source, self._areas(mask, limit), self.strength)

    def kept(self, output: Tensor, mask: Tensor | None, limit: Tensor | None) -> Tensor:
        """Where the source stays as it is, (1, H, W) of bool: the weight of the output is 0 there."""
        return weight(output, self._areas(mask, limit), self.strength) == 0

    def _areas(self, mask: Tensor | None, limit: Tensor | None) -> list[Tensor | None]:
        return [mask if self.composites else None, limit]


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
