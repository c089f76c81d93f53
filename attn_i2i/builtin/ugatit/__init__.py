"""U-GAT-IT (Kim et al., ICLR 2020, arXiv:1907.10830): CAM attention and AdaLIN."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.ugatit"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("ugatit", f"{HERE}.generator:UGATITGenerator")
    zoo.discriminators.add("ugatit", f"{HERE}.discriminator:UGATITDiscriminator")
    zoo.recipes.add("ugatit", f"{HERE}.recipe:ugatit")
    zoo.losses.add("cam", "attn_i2i.losses:cam")
    zoo.converters.add("ugatit", f"{HERE}.converters:GENERATOR")
    zoo.converters.add("ugatit-discriminator", f"{HERE}.converters:DISCRIMINATOR")
    zoo.converters.add("ugatit-paddle", f"{HERE}.converters_paddle:GENERATOR")
    zoo.converters.add("ugatit-paddle-discriminator", f"{HERE}.converters_paddle:DISCRIMINATOR")
    zoo.converters.add("ugatit-tf", f"{HERE}.converters_tf:GENERATOR")
    zoo.converters.add("ugatit-tf-discriminator", f"{HERE}.converters_tf:DISCRIMINATOR")
