"""StarGAN (Choi et al., arXiv:1711.09020): one generator for many domains, the host of multi-domain attention."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.stargan"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("stargan", f"{HERE}.networks:generator")
    zoo.discriminators.add("stargan", f"{HERE}.networks:StarGANDiscriminator")
    zoo.recipes.add("stargan", f"{HERE}.recipe:stargan")
    zoo.losses.add("critic", "attn_i2i.losses:critic")
    zoo.losses.add("classification", "attn_i2i.losses:classification")
    zoo.converters.add("stargan", f"{HERE}.converters:GENERATOR")
    zoo.converters.add("stargan-any-channels", f"{HERE}.converters:ANY_CHANNELS")
    zoo.converters.add("stargan-discriminator", f"{HERE}.converters:DISCRIMINATOR")
