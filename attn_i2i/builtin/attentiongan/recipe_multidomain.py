"""How multi-domain AttentionGAN trains: as its host StarGAN does, on the blended image."""

from __future__ import annotations

from dataclasses import replace

from ..stargan.recipe import stargan

attentiongan1_multidomain = replace(
    stargan,
    name="attentiongan1-multidomain",
    summary="AttentionGAN I on StarGAN's host and by its recipe (arXiv:1911.11897, section 3.4).",
    generator="attentiongan1-multidomain",
)
attentiongan2_multidomain = replace(
    stargan,
    name="attentiongan2-multidomain",
    summary="AttentionGAN II's masks on StarGAN's host and by its recipe; nobody published such weights.",
    generator="attentiongan2-multidomain",
)
