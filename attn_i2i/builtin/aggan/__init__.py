"""Unsupervised attention-guided translation (Mejjati et al., NeurIPS 2018, arXiv:1806.02311)."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.aggan"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("aggan", f"{HERE}.networks:AGGAN")
    zoo.discriminators.add("aggan", f"{HERE}.networks:discriminator")
    zoo.recipes.add("aggan", f"{HERE}.recipe:aggan")
    zoo.converters.add("aggan", f"{HERE}.converters:GENERATOR")
    zoo.converters.add("aggan-discriminator", f"{HERE}.converters:DISCRIMINATOR")
