"""How AttentionGAN II trains: as CycleGAN does, in the paper with discriminators that also see the masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...blocks import PatchDiscriminator
from ...interfaces import Objective
from ...recipes import CycleOptions, CycleRecipe, Presets, flattened, pairwise_layout, pairwise_networks, resolve
from ...types import Verdict
from .networks import guided_discriminator, scheme2

PRESETS: Presets = {"released": {}, "paper": {"guided": True, "attention_kernel": 3}}


@dataclass(frozen=True)
class NetworkOptions:
    """``attention_kernel`` closes the attention decoder; ``guided`` adds the attention-guided discriminators."""

    width: int = 64
    blocks: int = 9
    masks: int = 10
    background: bool = True
    attention_kernel: int = 1
    guided: bool = False
    discriminator_width: int = 64
    discriminator_layers: int = 3


class PlainAndGuided(nn.Module):
    """The plain discriminator beside the attention-guided one: their verdicts in this order (arXiv:1911.11897, 3.3).

    ``attention`` is the (B, 1, H, W) foreground mask that made the fake, also for real images.
    """

    def __init__(self, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.plain = PatchDiscriminator(3, width, layers)
        self.guided = guided_discriminator(width, layers)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (*self.plain(image), *self.guided(image, attention))


def attentiongan2(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> CycleRecipe:
    """AttentionGAN II's recipe (arXiv:1911.11897); ``paper`` guides the discriminators and has 3x3 attention decoders.

    ``networks`` replaces those that the options describe; with ``guided`` its discriminators must read attention.
    """
    shape, training = resolve("attentiongan2", PRESETS, preset, options, NetworkOptions, CycleOptions)
    config = {name: getattr(shape, name) for name in ("width", "blocks", "masks", "background", "attention_kernel")}
    discriminator_config = {"width": shape.discriminator_width, "layers": shape.discriminator_layers}
    discriminator, discriminator_name = (
        (PlainAndGuided, "plain-and-guided") if shape.guided else (PatchDiscriminator, "patchgan")
    )
    layout = None if networks else pairwise_layout("attentiongan2", config, discriminator_name, discriminator_config)
    made = networks or pairwise_networks(lambda: scheme2(**config), lambda: discriminator(**discriminator_config))
    return CycleRecipe(
        made, training, objective=objective, guided=shape.guided, layout=layout, shown=flattened(shape, training)
    )
