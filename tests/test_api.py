"""The public names and signatures change only on purpose."""

from __future__ import annotations

import difflib
from types import ModuleType
from typing import NamedTuple

from .tools import record_api


def test_public_api_is_as_recorded() -> None:
    recorded = record_api.RECORD.read_text(encoding="utf-8").splitlines()
    diff = "\n".join(difflib.unified_diff(recorded, record_api.public_api().splitlines(), "recorded", "now", n=0))
    assert not diff, f"The public API changed. If that is meant, record it with `{record_api.COMMAND}`.\n{diff}"


class Shape(NamedTuple):
    width: int
    name: str = "square"

    def area(self, scale: float = 1.0) -> float:
        return scale * self.width**2


def test_record_names_every_parameter_and_method() -> None:
    module = ModuleType("attn_i2i.sample")
    Shape.__module__ = "attn_i2i.sample"
    module.Shape, module._hidden, module.foreign = Shape, Shape, ModuleType  # type: ignore[attr-defined]
    assert list(record_api.lines(module)) == [
        "class attn_i2i.sample.Shape(width: int, name: str = 'square')",
        "    attn_i2i.sample.Shape.area(self, scale: float = 1.0) -> float",
    ]
