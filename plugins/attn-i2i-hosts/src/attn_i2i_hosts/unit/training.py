"""What the training of UNIT and of MUNIT has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from attn_i2i.interfaces import RoundTrip, Update
from attn_i2i.losses import LSGAN_BOUNDARY, discriminator_lsgan
from attn_i2i.recipes import AdamOptions, BaseRecipe, RecipeParts, frozen, sum_of, two_adams
from attn_i2i.types import ConfigError, Translation, Verdict
from torch import Tensor, nn
from torch.optim import Optimizer

from ..attention import AttentionOptions, Encoded, hidden, mask_for, prepared, with_cams
from ..steps import PUBLISHED, further, logged, weight
from .perceptual import PerceptualFeatures, read_perceptual

PERCEPTUAL = "perceptual"  # the name of VGG16 among the networks, where it is on
# the direction that makes pictures of a domain, and the one that starts from them
INTO = {"a": "B2A", "b": "A2B"}
FROM = {"a": "A2B", "b": "B2A"}


@dataclass(frozen=True)
class HalvingSchedule:
    """``rate``, times ``gamma`` at the update number ``every`` and at each multiple of it; updates count from 1."""

    rate: float
    steps: int
    every: int
    gamma: float = 0.5

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step`` (from 0): the release steps its schedule before its update."""
        return self.rate * float(self.gamma ** ((step + 1) // max(1, self.every)))

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self.steps


@dataclass(frozen=True)
class CodeOptions(AttentionOptions, AdamOptions):
    """The rate is multiplied by ``gamma`` every ``step_size`` steps; ``perceptual`` weighs VGG16's features.

    ``perceptual_weights`` is the file of that network: vgg16.weight of the release.
    """

    perceptual: float = 0.0
    perceptual_weights: str = ""
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    step_size: int = 100_000
    gamma: float = 0.5
    steps: int = 1_000_000


class CodeRecipe(BaseRecipe):
    """Discriminators first, then generators, each on a pass of its own with draws of its own.

    A batch is ``A`` and ``B``, (B, C, H, W) in [-1, 1], sides multiples of the encoder's stride. Draws may be given
    beside them, under the names that the recipe's docstring lists. Losses go by their published names, which end in the
    domain that they are about. Parts are not weighted, totals are.
    """

    needs: type[nn.Module]
    boundary = LSGAN_BOUNDARY

    def __init__(self, parts: RecipeParts[Any]) -> None:
        o = parts.training
        super().__init__(prepared(parts), HalvingSchedule(o.learning_rate, o.steps, o.step_size, o.gamma))
        self._rates: CodeOptions = o
        for way, key in self.layout.generators.items():
            if not isinstance(self.networks[key], self.needs):
                name, needed = type(self.networks[key]).__name__, self.needs.__name__
                raise ConfigError(
                    f"{parts.name}: the generator {way} is a {name}, expected {needed}: its codes are trained too."
                )
        if o.perceptual and PERCEPTUAL not in self.networks:
            like = next(self.networks.parameters())
            self.networks[PERCEPTUAL] = read_perceptual(o.perceptual_weights).to(like.device, like.dtype)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        with torch.no_grad():
            fakes = self._fakes(batch)
        on_discriminators = self._discriminate(batch, fakes)
        update("D", on_discriminators["loss_dis_total"])
        parts, trips = self._generate(batch)
        weighted = {name: self._weights()[name.rpartition("_")[0]] * value for name, value in parts.items()}
        weighted |= further(self.objective, trips)
        total = sum_of(weighted)
        update("G", total)
        return logged(weighted, parts, on_discriminators, {"loss_gen_total": total})

    @abstractmethod
    def _fakes(self, batch: Mapping[str, Tensor]) -> dict[str, Translation]:
        """What the discriminators of "a" and "b" are shown."""

    @abstractmethod
    def _generate(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, RoundTrip]]:
        """Each part of the generators' loss by its published name, and the round trips by the domain they end in."""

    @abstractmethod
    def _weights(self) -> dict[str, float]:
        """The weight of each part by its published name without the domain."""

    def _into(self, domain: str) -> Any:
        """The network that decodes into a domain, "a" or "b"."""
        return self.networks[self.layout.generators[INTO[domain]]]

    def _from(self, domain: str) -> Any:
        """The network that encodes a domain's contents."""
        return self.networks[self.layout.generators[FROM[domain]]]

    def _discriminate(self, batch: Mapping[str, Tensor], fakes: Mapping[str, Translation]) -> dict[str, Tensor]:
        """Least squares, neither halved nor averaged over scales."""
        losses = {}
        for domain, fake in fakes.items():
            network = self.networks[self.layout.discriminators[domain.upper()]]
            mask = hidden(mask_for(network, fake))
            on_real, on_fake = (with_cams(network(image, mask)) for image in (batch[domain.upper()], fake.image))
            losses[f"loss_dis_{domain}"] = 2 * discriminator_lsgan(on_real, on_fake)
        return losses | {"loss_dis_total": weight(self.objective, "adversarial") * sum_of(losses)}

    def _seen(self, domain: str, fake: Translation) -> tuple[Verdict, ...]:
        """Verdicts that teach the generator alone."""
        network = self.networks[self.layout.discriminators[domain.upper()]]
        with frozen(network):
            return with_cams(network(fake.image, mask_for(network, fake)))

    def _same(self, source: str, target: Tensor, again: Translation) -> Translation:
        """``again``, the target in its own domain, with what the CAM of the ``source`` domain's encoder tells of it."""
        network = self._from(source)
        if network.cam is None:
            return again
        code: Encoded = network.attend(target)
        return code.told(again)

    def _features(self, fake: Tensor, source: Tensor) -> Tensor:
        """The perceptual distance of a translation from its source, 0 where it has no weight."""
        if not self._rates.perceptual:
            return fake.new_zeros(())
        return cast(PerceptualFeatures, self.networks[PERCEPTUAL]).distance(fake, source)

    def _term(self, name: str, trip: RoundTrip) -> Tensor:
        """One of the published terms without its weight, 0 where the objective has none of this name."""
        assert name in PUBLISHED
        return self.objective[name][1](trip) if name in self.objective else trip.source.new_zeros(())


def square(code: Tensor) -> Tensor:
    """Mean of squares: what the release calls the KL divergence of a latent with unit variance."""
    return code.square().mean()
