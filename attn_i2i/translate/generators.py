"""Generators by direction, built when they are asked for, which go into other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..blocks import allow_winograd
from ..registry import suggestion
from ..tuning.precision import AutoPrecision
from ..types import UnknownNameError


class Generators(Mapping[str, nn.Module]):
    """Generators by direction; each is built when first asked for, because two may not fit where one does.

    Pickled, those that are built go by value, and ``build`` with all it holds for the others.
    """

    def __init__(self, directions: Sequence[str], build: Callable[[str], nn.Module]) -> None:
        self._directions = tuple(directions)
        self._build = build
        self._built: dict[str, nn.Module] = {}

    def __getitem__(self, direction: str) -> nn.Module:
        if direction not in self._directions:
            hint, names = suggestion(direction, self._directions), ", ".join(self._directions)
            raise UnknownNameError(f"No direction is named {direction!r}.{hint} This model has {names}.")
        if direction not in self._built:
            self._built[direction] = self._build(direction)
        return self._built[direction]

    def __iter__(self) -> Iterator[str]:
        return iter(self._directions)

    def __len__(self) -> int:
        return len(self._directions)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is prepared from networks that are pickled beside it: a compiled network cannot be pickled."""
        return self.__dict__ | ({"_built": {}} if isinstance(self._build, PrepareGenerator) else {})


@dataclass(frozen=True)
class PrepareGenerator:
    """Brings the generators of ``source`` to their device and precision, and compiles them where that is asked for.

    With ``auto`` each decides by its first picture whether it computes in bfloat16.
    """

    source: Mapping[str, nn.Module]
    device: torch.device
    dtype: torch.dtype
    compile: bool
    auto: bool = False

    def __call__(self, direction: str) -> nn.Module:
        generator = self.source[direction].to(self.device, self.dtype).eval()
        if self.compile:
            allow_winograd(generator)
        if self.auto:
            return AutoPrecision(generator, compiled=self.compile).eval()
        if self.compile:
            generator.compile()
        return generator
