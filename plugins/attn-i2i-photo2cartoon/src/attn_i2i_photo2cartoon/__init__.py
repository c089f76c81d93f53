"""photo2cartoon (minivision-ai, MIT) for attn_i2i: portraits to cartoons."""

from __future__ import annotations

from pathlib import Path

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo

HERE = "attn_i2i_photo2cartoon"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("photo2cartoon", f"{HERE}.generator:Photo2Cartoon")
    zoo.converters.add("photo2cartoon", f"{HERE}.converters:GENERATOR")
    zoo.cards.add("photo2cartoon", Path(__file__).with_name("cards") / "photo2cartoon.toml")
