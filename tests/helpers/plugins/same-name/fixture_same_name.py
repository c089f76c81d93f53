"""A plugin whose entry point has the name of another's."""

from __future__ import annotations

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("same-name", "attn_i2i.builtin.cyclegan.networks:generator")
