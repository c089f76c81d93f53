"""CycleGAN (Zhu et al., arXiv:1703.10593): the baseline, and the first host for attention."""

from ...hookspecs import hookimpl
from ...registry import Zoo

HERE = "attn_i2i.builtin.cyclegan"


CONVERTERS = {
    "cyclegan": "converters:GENERATOR",
    "patchgan": "converters_patch:DISCRIMINATOR",
    "pixelgan": "converters_patch:PIXEL",
    "unet": "converters_unet:GENERATOR",
    "unet-pytorch-gan": "converters_unet:PYTORCH_GAN",
    "upit": "converters:UPIT",
    "upit-patchgan": "converters_patch:UPIT",
    "aladdinpersson": "converters_clones:ALADDIN",
    "aladdinpersson-patchgan": "converters_clones:ALADDIN_DISCRIMINATOR",
    "mmgen": "converters_clones:MM",
    "mmgen-patchgan": "converters_clones:MM_DISCRIMINATOR",
    "mmgen-rgb": "converters_clones:MM_RGB",
    "mmgen-rgb-patchgan": "converters_clones:MM_RGB_DISCRIMINATOR",
    "uvcgan-resnet": "converters:UVCGAN",
    "stored-statistics": "converters:STORED_STATISTICS",
    "stored-statistics-unet": "converters_unet:STORED_STATISTICS",
    "own-statistics": "converters:OWN_STATISTICS",
    "own-statistics-unet": "converters_unet:OWN_STATISTICS",
    "cyclegan-zero-padding": "converters:ZERO_PADDING",
    "cyclegan-replicate-padding": "converters:REPLICATE_PADDING",
    "cyclegan-no-norm": "converters:NO_NORM",
}


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("cyclegan", f"{HERE}.networks:generator")
    zoo.generators.add("unet", "attn_i2i.blocks:UNet")
    zoo.discriminators.add("patchgan", "attn_i2i.blocks:PatchDiscriminator")
    zoo.discriminators.add("pixelgan", "attn_i2i.blocks:PixelDiscriminator")
    zoo.recipes.add("cyclegan", f"{HERE}.recipe:cyclegan")
    zoo.heads.add("image", "attn_i2i.blocks:ImageHead")
    zoo.losses.add("adversarial", "attn_i2i.losses:adversarial")
    zoo.losses.add("cycle", "attn_i2i.losses:cycle")
    zoo.losses.add("identity", "attn_i2i.losses:identity")
    for name, target in CONVERTERS.items():
        zoo.converters.add(name, f"{HERE}.{target}")
