"""How StarGAN trains, and what else stands on its host."""

from __future__ import annotations

from ...recipes import DomainOptions, MultiDomainRecipe, RecipeFactory
from ...recipes.multidomain import DOMAIN_TERMS

stargan = RecipeFactory(
    name="stargan",
    summary="StarGAN (arXiv:1711.09020): WGAN-GP, cycle and attribute losses; paper and release agree.",
    loop=MultiDomainRecipe,
    training=DomainOptions,
    generator="stargan",
    discriminator="stargan",
    objective=DOMAIN_TERMS,
    presets={"released": {}, "paper": {}},
    multidomain=True,
    initial="torch",
)
