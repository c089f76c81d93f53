"""The literature's other hosts for attn_i2i, as published and under an attention head."""

from __future__ import annotations

from pathlib import Path

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo

HERE = "attn_i2i_hosts"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("discogan", f"{HERE}.discogan.generator:DiscoGAN")
    zoo.discriminators.add("discogan", f"{HERE}.discogan.discriminator:DiscoDiscriminator")
    zoo.generators.add("dualgan", f"{HERE}.dualgan.generator:DualGAN")
    zoo.discriminators.add("dualgan", f"{HERE}.dualgan.discriminator:DualDiscriminator")
    zoo.generators.add("unit", f"{HERE}.unit.generator:UNIT")
    zoo.generators.add("drit", f"{HERE}.drit.generator:DRIT")
    zoo.discriminators.add("drit", f"{HERE}.drit.discriminator:DRITDiscriminator")
    for family in ("discogan", "dualgan", "unit", "munit", "drit"):
        zoo.recipes.add(family, f"{HERE}.{family}.recipe:{family}")
    for family in ("discogan", "dualgan", "drit"):
        zoo.converters.add(family, f"{HERE}.{family}.converters:GENERATOR")
        zoo.converters.add(f"{family}-discriminator", f"{HERE}.{family}.converters:DISCRIMINATOR")
    zoo.generators.add("munit", f"{HERE}.munit.generator:MUNIT")
    zoo.discriminators.add("munit", f"{HERE}.unit.discriminator:MultiScaleDiscriminator")
    zoo.converters.add("munit", f"{HERE}.munit.converters:GENERATOR")
    zoo.converters.add("munit-discriminator", f"{HERE}.unit.converters:DISCRIMINATOR")
    zoo.converters.add("unit", f"{HERE}.unit.converters:GENERATOR")
    for path in sorted(Path(__file__).with_name("cards").glob("*.toml")):
        zoo.cards.add(path.stem, path)
