"""CycleGAN (Zhu et al., arXiv:1703.10593): the baseline, and the first host for attention."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.cyclegan"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("cyclegan", f"{HERE}.networks:generator")
    zoo.discriminators.add("patchgan", "attn_i2i.blocks:PatchDiscriminator")
    zoo.recipes.add("cyclegan", f"{HERE}.recipe:cyclegan")
    zoo.losses.add("adversarial", "attn_i2i.losses:adversarial")
    zoo.losses.add("cycle", "attn_i2i.losses:cycle")
    zoo.losses.add("identity", "attn_i2i.losses:identity")
    zoo.converters.add("cyclegan", f"{HERE}.converters:GENERATOR")
    zoo.converters.add("patchgan", f"{HERE}.converters:DISCRIMINATOR")
