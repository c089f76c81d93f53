"""How multi-domain AttentionGAN trains: as its host StarGAN does, on the blended image."""

from __future__ import annotations

from typing import Any

from torch import nn

from ...interfaces import Objective
from ...recipes import MultiDomainRecipe
from ..stargan.recipe import on_stargan_host
from .networks import scheme1_multidomain


def attentiongan1_multidomain(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> MultiDomainRecipe:
    """AttentionGAN I on StarGAN's host and by its recipe (arXiv:1911.11897, section 3.4).

    ``networks`` replaces those that the options describe.
    """
    return on_stargan_host("attentiongan1-multidomain", scheme1_multidomain, networks, preset, objective, options)
