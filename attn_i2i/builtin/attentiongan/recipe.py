"""How AttentionGAN II trains: as CycleGAN does, in the paper with discriminators that also see the masks."""

from __future__ import annotations

from ...recipes import CycleOptions, CycleRecipe, RecipeFactory
from ...recipes.cycle import CYCLE_TERMS

attentiongan2 = RecipeFactory(
    name="attentiongan2",
    summary="AttentionGAN II (arXiv:1911.11897); the paper guides the discriminators and has 3x3 attention decoders.",
    loop=CycleRecipe,
    training=CycleOptions,
    generator="attentiongan2",
    discriminator="patchgan",
    objective=CYCLE_TERMS,
    presets={"released": {}, "paper": {"discriminator": "plain-and-guided", "generator.attention_kernel": 3}},
)
