"""A plugin whose hook asks for an argument that the hook does not have."""

from __future__ import annotations

from attn_i2i import hookimpl


@hookimpl
def register_components(zoo: object, registry: object) -> None:
    raise AssertionError("called with arguments that do not exist")
