"""AttentionGAN schemes I (arXiv:1903.12296) and II (arXiv:1911.11897), on CycleGAN's and on StarGAN's host."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.attentiongan"


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("attentiongan1", f"{HERE}.networks:scheme1")
    zoo.generators.add("attentiongan2", f"{HERE}.networks:scheme2")
    zoo.generators.add("attentiongan1-multidomain", f"{HERE}.networks:scheme1_multidomain")
    zoo.generators.add("attentiongan2-multidomain", f"{HERE}.networks:scheme2_multidomain")
    zoo.discriminators.add("attentiongan1", f"{HERE}.networks:TowerDiscriminator")
    zoo.discriminators.add("attention-guided", f"{HERE}.networks:guided_discriminator")
    zoo.discriminators.add("plain-and-guided", f"{HERE}.networks:PlainAndGuided")
    zoo.recipes.add("attentiongan1", f"{HERE}.recipe1:attentiongan1")
    zoo.recipes.add("attentiongan2", f"{HERE}.recipe:attentiongan2")
    zoo.recipes.add("attentiongan1-multidomain", f"{HERE}.recipe_multidomain:attentiongan1_multidomain")
    zoo.recipes.add("attentiongan2-multidomain", f"{HERE}.recipe_multidomain:attentiongan2_multidomain")
    zoo.losses.add("pixel", "attn_i2i.losses:pixel")
    zoo.losses.add("mask-variation", "attn_i2i.losses:mask_variation")
    zoo.losses.add("mask-area", "attn_i2i.losses:mask_area")
    zoo.heads.add("sigmoid", "attn_i2i.blocks:SigmoidHead")
    zoo.heads.add("softmax", "attn_i2i.blocks:SoftmaxHead")
    zoo.converters.add("attentiongan1", f"{HERE}.converters:SCHEME1")
    zoo.converters.add("attentiongan1-tower", f"{HERE}.converters:TOWER")
    zoo.converters.add("attentiongan2", f"{HERE}.converters:SCHEME2")
    zoo.converters.add("attentiongan1-multidomain", f"{HERE}.converters:MULTIDOMAIN")
    zoo.converters.add("attentiongan1-multidomain-any-channels", f"{HERE}.converters:MULTIDOMAIN_ANY_CHANNELS")
