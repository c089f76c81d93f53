"""A plugin that takes its time to import."""

from __future__ import annotations

import time

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo

time.sleep(0.3)


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("slow", "attn_i2i.builtin.cyclegan.networks:generator")
