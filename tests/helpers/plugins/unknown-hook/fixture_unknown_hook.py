"""A plugin that implements a hook there is not."""

from __future__ import annotations

from attn_i2i import hookimpl


@hookimpl
def register_component(zoo: object) -> None:
    raise AssertionError("called although no such hook exists")
