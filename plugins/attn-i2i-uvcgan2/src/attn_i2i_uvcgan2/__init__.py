"""UVCGAN2 (Torbunov et al., arXiv:2303.16280; LS4GAN/uvcgan2, BSD-2-Clause) for attn_i2i."""

from __future__ import annotations

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo

HERE = "attn_i2i_uvcgan2"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("uvcgan2", f"{HERE}.generator:UVCGAN2")
    zoo.discriminators.add("uvcgan2", f"{HERE}.discriminator:BatchHeadDiscriminator")
    zoo.converters.add("uvcgan2", f"{HERE}.converters:GENERATOR")
    zoo.converters.add("uvcgan2-discriminator", f"{HERE}.converters:DISCRIMINATOR")
