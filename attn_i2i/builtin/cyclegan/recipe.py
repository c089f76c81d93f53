"""How CycleGAN trains."""

from __future__ import annotations

from ...recipes import CycleOptions, CycleRecipe, RecipeFactory
from ...recipes.cycle import CYCLE_TERMS

cyclegan = RecipeFactory(
    name="cyclegan",
    summary="CycleGAN (arXiv:1703.10593); the paper leaves the identity term to paintings, the release keeps it.",
    loop=CycleRecipe,
    training=CycleOptions,
    generator="cyclegan",
    discriminator="patchgan",
    objective=CYCLE_TERMS,
    presets={"released": {}, "paper": {"objective.identity": 0.0}},
)
