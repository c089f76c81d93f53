"""How CycleGAN trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from ...blocks import PatchDiscriminator
from ...interfaces import Objective
from ...recipes import CycleOptions, CycleRecipe, Presets, flattened, pairwise_layout, pairwise_networks, resolve
from .networks import generator

PRESETS: Presets = {"released": {}, "paper": {"identity": 0.0}}


@dataclass(frozen=True)
class NetworkOptions:
    """Generators and PatchGANs; 6 ``blocks`` below 256 px."""

    width: int = 64
    blocks: int = 9
    discriminator_width: int = 64
    discriminator_layers: int = 3


def cyclegan(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> CycleRecipe:
    """CycleGAN's recipe (arXiv:1703.10593); the paper leaves the identity term to paintings, the release keeps it.

    ``networks`` replaces those that the options describe.
    """
    shape, training = resolve("cyclegan", PRESETS, preset, options, NetworkOptions, CycleOptions)
    config = {"width": shape.width, "blocks": shape.blocks}
    discriminator_config = {"width": shape.discriminator_width, "layers": shape.discriminator_layers}
    layout = None if networks else pairwise_layout("cyclegan", config, "patchgan", discriminator_config)
    made = networks or pairwise_networks(
        lambda: generator(**config), lambda: PatchDiscriminator(**discriminator_config)
    )
    return CycleRecipe(made, training, objective=objective, layout=layout, shown=flattened(shape, training))
