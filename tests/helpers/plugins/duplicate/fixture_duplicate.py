"""A plugin that claims a name which is taken, after one that is not."""

from __future__ import annotations

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("half-done", "attn_i2i.builtin.cyclegan.networks:generator")
    zoo.generators.add("cyclegan", "attn_i2i.builtin.cyclegan.networks:generator")
