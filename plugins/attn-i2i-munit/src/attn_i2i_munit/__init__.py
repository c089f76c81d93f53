"""MUNIT (Huang et al., ECCV 2018, arXiv:1804.04732) for attn_i2i, as published and under an attention head."""

from __future__ import annotations

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("munit", "attn_i2i_munit.generator:MUNIT")
    zoo.discriminators.add("munit", "attn_i2i_munit.discriminator:MultiScaleDiscriminator")
    zoo.recipes.add("munit", "attn_i2i_munit.recipe:munit")
    zoo.converters.add("munit", "attn_i2i_munit.converters:GENERATOR")
    zoo.converters.add("munit-discriminator", "attn_i2i_munit.converters:DISCRIMINATOR")
