"""How AttentionGAN II trains: as CycleGAN does, in the paper with discriminators that also see the masks."""

from __future__ import annotations

from ...recipes import CycleOptions, CycleRecipe, RecipeFactory
from ...recipes.cycle import CYCLE_TERMS

# Masks open under a light cycle term, and a heavier one afterwards makes pictures true (docs/training.md). The price of
# the area keeps masks away from plain backgrounds, of which nothing else can be seen to change.
OPEN = {
    "opening_cycle": 0.3,
    "objective.cycle": 3.0,
    "objective.identity": 0.0,
    "objective.mask-area": 0.1,
    "generator.attention_kernel": 3,
}

attentiongan2 = RecipeFactory(
    name="attentiongan2",
    summary="AttentionGAN II (arXiv:1911.11897); the paper guides the discriminators and has 3x3 attention decoders.",
    loop=CycleRecipe,
    training=CycleOptions,
    generator="attentiongan2",
    discriminator="patchgan",
    objective=CYCLE_TERMS,
    presets={
        "released": {},
        "paper": {"discriminator": "plain-and-guided", "generator.attention_kernel": 3},
        "open": OPEN,
    },
)
