"""How MUNIT trains: two auto-encoders, their halves exchanged (arXiv:1804.04732, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from attn_i2i.interfaces import RoundTrip, Update
from attn_i2i.losses import adversarial, cycle, discriminator_lsgan, identity
from attn_i2i.recipes import AdamOptions, BaseRecipe, RecipeFactory, RecipeParts, frozen, sum_of, two_adams
from attn_i2i.types import ConfigError
from torch import Tensor
from torch.optim import Optimizer

from .generator import MUNIT

LOGGED = {"adversarial": "G", "identity": "recon_x"}


@dataclass(frozen=True)
class HalvingSchedule:
    """``rate``, halved ``every`` so many of ``steps``."""

    rate: float
    steps: int
    every: int

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0)."""
        return self.rate * 0.5 ** (step // max(1, self.every))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self.steps


@dataclass(frozen=True)
class TrainingOptions(AdamOptions):
    """``content`` and ``style`` are weights of the reconstructed codes; the rate is halved every ``halve_every``."""

    content: float = 1.0
    style: float = 1.0
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    halve_every: int = 100_000
    steps: int = 1_000_000


class MUNITRecipe(BaseRecipe):
    """Discriminators first, then generators; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1], sides multiples of 4.

    Loss terms end in the letter of the domain that is reconstructed or looked at; ``x`` is an image, ``c`` a content,
    ``s`` a style, as published. Of a round trip, ``same`` is the target encoded and decoded in its own style; ``back``
    is made only where a term may read it.
    """

    def __init__(self, parts: RecipeParts[TrainingOptions]) -> None:
        o = parts.training
        super().__init__(parts, HalvingSchedule(o.learning_rate, o.steps, o.halve_every))
        self._rates: AdamOptions = o
        self._codes = {"content": o.content, "style": o.style}
        for way, key in self.layout.generators.items():
            if not isinstance(self.networks[key], MUNIT):
                name = type(self.networks[key]).__name__
                raise ConfigError(f"munit: the generator {way} is a {name}, expected MUNIT: its codes are trained too.")
        self._returns = any(term not in (adversarial, identity) for _, term in self.objective.values())

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        images = {"A": batch["A"], "B": batch["B"]}
        on_discriminators = self._update_discriminator(images)
        update("D", sum_of(on_discriminators))
        losses = self._generate(images)
        update("G", sum_of(losses))
        return {name: value.detach() for name, value in (on_discriminators | losses).items()}

    def _into(self, domain: str) -> MUNIT:
        """The network that decodes into a domain and encodes its styles."""
        return cast(MUNIT, self.networks["G_B2A" if domain == "A" else "G_A2B"])

    def _update_discriminator(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators of both domains make of the images and of fakes in random styles."""
        weight, _ = self.objective.get("adversarial", (0.0, adversarial))
        losses = {}
        for here, there in ("AB", "BA"):
            generator, discriminator = self._into(there), self.networks[f"D_{there}"]
            with torch.no_grad():
                fake = generator.decode(generator.content(images[here]), generator.prior(images[here]), images[here])
            loss = 2 * discriminator_lsgan(
                discriminator(images[there]), discriminator(fake.image)
            )  # the release does not halve it
            losses[f"D_{there}"] = weight * loss
        return losses

    def _generate(self, images: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every term of the generators' loss, weighted (equation 5)."""
        into = {"A": self._into("A"), "B": self._into("B")}
        contents = {"A": into["B"].content(images["A"]), "B": into["A"].content(images["B"])}
        styles = {domain: into[domain].style_of(images[domain]) for domain in "AB"}
        again = {domain: into[domain].decode(contents[domain], styles[domain], images[domain]) for domain in "AB"}
        losses: dict[str, Tensor] = {}
        for here, there in ("AB", "BA"):
            style = into[there].prior(images[here])
            fake = into[there].decode(contents[here], style, images[here])
            content_again = into[here].content(fake.image)
            back = into[here].decode(content_again, styles[here], fake.image) if self._returns else fake
            with frozen(self.networks[f"D_{there}"]):
                verdicts = self.networks[f"D_{there}"](fake.image)
            trip = RoundTrip(images[here], images[there], fake, back, again[there], verdicts)
            for name, value in self.weighted(trip).items():
                losses[f"{LOGGED.get(name, name)}_{here if name == 'cycle' else there}"] = value
            content, given = distance(content_again, contents[here]), distance(into[there].style_of(fake.image), style)
            losses[f"recon_c_{here}"] = self._codes["content"] * content
            losses[f"recon_s_{there}"] = self._codes["style"] * given
        return losses


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (one - other).abs().mean()


munit = RecipeFactory(
    name="munit",
    summary="MUNIT (arXiv:1804.04732): images, contents and styles come back, in several scales.",
    loop=MUNITRecipe,
    training=TrainingOptions,
    generator="munit",
    discriminator="munit",
    objective={"adversarial": (1.0, adversarial), "identity": (10.0, identity), "cycle": (0.0, cycle)},
    presets={"released": {}},
    initial="kaiming",
)
