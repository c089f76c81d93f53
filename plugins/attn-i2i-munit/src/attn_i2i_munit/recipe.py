"""How MUNIT trains: two auto-encoders, their halves exchanged (arXiv:1804.04732, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from attn_i2i import Translation
from attn_i2i.interfaces import Update
from attn_i2i.losses import discriminator_lsgan, lsgan
from attn_i2i.recipes import Layout, flattened, frozen, initialise, pairwise_adam, pairwise_layout, resolve
from torch import Tensor, nn
from torch.optim import Optimizer

from .discriminator import MultiScaleDiscriminator
from .generator import MUNIT


@dataclass(frozen=True)
class NetworkOptions:
    """``masks`` of an attention head, 0 for MUNIT as published; ``discriminator_scales`` halve the image.

    ``discriminator_norm`` is "none", as published, or "instance", for few channels and steps.
    """

    width: int = 64
    blocks: int = 4
    style_dim: int = 8
    mlp_width: int = 256
    masks: int = 0
    discriminator_width: int = 64
    discriminator_layers: int = 4
    discriminator_scales: int = 3
    discriminator_norm: str = "none"


@dataclass(frozen=True)
class TrainingOptions:
    """Weights of the reconstructed ``image``, ``content``, ``style`` and there-and-back ``cycle``; the schedule.

    The discriminators learn at ``discriminator_rate`` times the generators' rate.
    """

    image: float = 10.0
    content: float = 1.0
    style: float = 1.0
    cycle: float = 0.0
    adversarial: float = 1.0
    learning_rate: float = 1e-4
    discriminator_rate: float = 1.0
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 1e-4
    halve_every: int = 100_000
    steps: int = 1_000_000


def munit(networks: nn.ModuleDict | None = None, *, preset: str = "released", **options: Any) -> MUNITRecipe:
    """MUNIT's recipe. ``networks`` (``G_A2B``, ``G_B2A``, ``D_A``, ``D_B``) replaces those the options describe."""
    shape, training = resolve("munit", {"released": {}}, preset, options, NetworkOptions, TrainingOptions)
    config = {name: getattr(shape, name) for name in ("width", "blocks", "style_dim", "mlp_width", "masks")}
    discriminator_config = {
        name: getattr(shape, f"discriminator_{name}") for name in ("width", "layers", "scales", "norm")
    }
    if networks is not None:
        return MUNITRecipe(networks, training, None, flattened(shape, training))
    generators = {name: kaiming(MUNIT(**config)) for name in ("G_A2B", "G_B2A")}
    discriminators = {name: initialise(MultiScaleDiscriminator(**discriminator_config)) for name in ("D_A", "D_B")}
    layout = pairwise_layout("munit", config, "munit", discriminator_config)
    return MUNITRecipe(nn.ModuleDict(generators | discriminators), training, layout, flattened(shape, training))


def kaiming(module: nn.Module) -> nn.Module:
    """Draw convolution and linear weights as He et al. do, their biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return module


class MUNITRecipe:
    """Discriminators first, then generators; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1], sides multiples of 4.

    Loss terms end in the letter of the domain that is reconstructed or looked at; ``x`` is an image, ``c`` a content,
    ``s`` a style, as published.
    """

    def __init__(
        self, networks: nn.ModuleDict, options: TrainingOptions, layout: Layout | None, shown: Mapping[str, Any]
    ) -> None:
        self.networks, self.layout, self.options, self._options = networks, layout, dict(shown), options

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        o = self._options
        rates = {"weight_decay": o.weight_decay, "discriminator_rate": o.discriminator_rate}
        return pairwise_adam(self.networks, o.learning_rate, (o.beta1, o.beta2), **rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        images = {"A": batch["A"], "B": batch["B"]}
        on_discriminators = self._update_discriminator(images)
        update("D", torch.stack(list(on_discriminators.values())).sum())
        losses = self._generate(images)
        update("G", torch.stack(list(losses.values())).sum())
        return {name: value.detach() for name, value in (on_discriminators | losses).items()}

    def _into(self, domain: str) -> MUNIT:
        """The network that decodes into a domain and encodes its styles."""
        return cast(MUNIT, self.networks["G_B2A" if domain == "A" else "G_A2B"])

    def _update_discriminator(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators of both domains make of the images and of fakes in random styles."""
        losses = {}
        for here, there in ("AB", "BA"):
            generator, discriminator = self._into(there), self.networks[f"D_{there}"]
            with torch.no_grad():
                fake = generator.decode(generator.content(images[here]), generator.prior(images[here]), images[here])
            loss = 2 * discriminator_lsgan(
                discriminator(images[there]), discriminator(fake.image)
            )  # the release does not halve it
            losses[f"D_{there}"] = self._options.adversarial * loss
        return losses

    def _generate(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every term of the generators' loss, weighted (equation 5)."""
        o, into = self._options, {"A": self._into("A"), "B": self._into("B")}
        contents = {"A": into["B"].content(images["A"]), "B": into["A"].content(images["B"])}
        losses: dict[str, Tensor] = {}
        for here, there in ("AB", "BA"):
            own, other, discriminator = into[here], into[there], self.networks[f"D_{there}"]
            own_style, style = own.style_of(images[here]), other.prior(images[here])
            again = own.decode(contents[here], own_style, images[here])
            fake = other.decode(contents[here], style, images[here])
            content_again = own.content(fake.image)
            terms = {
                f"recon_x_{here}": o.image * distance(again.image, images[here]),
                f"recon_c_{here}": o.content * distance(content_again, contents[here]),
                f"recon_s_{there}": o.style * distance(other.style_of(fake.image), style),
                f"G_{there}": o.adversarial * self._fooling(discriminator, fake),
            }
            if o.cycle:
                back = own.decode(content_again, own_style, fake.image)
                terms[f"cycle_{here}"] = o.cycle * distance(back.image, images[here])
            losses |= terms
        return losses

    @staticmethod
    def _fooling(discriminator: nn.Module, fake: Translation) -> Tensor:
        with frozen(discriminator):
            return torch.stack([lsgan(verdict.logits, True) for verdict in discriminator(fake.image)]).sum()

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        return self._options.learning_rate * 0.5 ** (step // max(1, self._options.halve_every))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self._options.steps

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """There is nothing but the networks."""


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (one - other).abs().mean()
