"""How StarGAN trains, and what else stands on its host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from ...interfaces import Objective
from ...recipes import DomainOptions, Layout, MultiDomainRecipe, Presets, flattened, resolve
from .networks import StarGANDiscriminator, generator

PRESETS: Presets = {"released": {}, "paper": {}}


@dataclass(frozen=True)
class NetworkOptions:
    """``domains`` labels and ``image_size`` shape the discriminator."""

    width: int = 64
    blocks: int = 6
    domains: int = 5
    image_size: int = 128
    discriminator_width: int = 64
    discriminator_layers: int = 6


def stargan(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> MultiDomainRecipe:
    """StarGAN's recipe (arXiv:1711.09020): WGAN-GP, cycle and attribute losses; paper and release agree.

    ``networks`` replaces those that the options describe.
    """
    return on_stargan_host("stargan", generator, networks, preset, objective, options)


def on_stargan_host(
    name: str,
    make: Callable[..., nn.Module],
    networks: nn.ModuleDict | None,
    preset: str,
    objective: Objective | None,
    options: dict[str, Any],
) -> MultiDomainRecipe:
    """The recipe ``name`` for a generator that ``make`` builds and that takes StarGAN's labels."""
    shape, training = resolve(name, PRESETS, preset, options, NetworkOptions, DomainOptions)
    config = {key: getattr(shape, key) for key in ("width", "blocks", "domains")}
    discriminator_config = {
        "width": shape.discriminator_width,
        "layers": shape.discriminator_layers,
        "domains": shape.domains,
        "image_size": shape.image_size,
    }
    layout = Layout(name, config, {"translate": "G"}, "stargan", discriminator_config, {"all": "D"})
    made = networks or nn.ModuleDict({"G": make(**config), "D": StarGANDiscriminator(**discriminator_config)})
    return MultiDomainRecipe(
        made,
        training,
        objective=objective,
        layout=None if networks else layout,
        shown=flattened(shape, training),
    )
