"""A plugin of this session that adds what a function says."""

from __future__ import annotations

from collections.abc import Callable

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


class Adding:
    """A plugin that adds what a function says."""

    def __init__(self, add: Callable[[Zoo], None]) -> None:
        self.add = add

    @hookimpl
    def register_components(self, zoo: Zoo) -> None:
        self.add(zoo)
