"""How DiscoGAN trains: either the discriminators learn from a batch or the generators do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from attn_i2i.interfaces import RoundTrip, Update
from attn_i2i.recipes import AdamOptions, BaseRecipe, EpochSchedule, RecipeFactory, RecipeParts, shown_to, two_adams
from attn_i2i.types import ConfigError
from torch import Tensor
from torch.optim import Optimizer

from ..attention import CAM_WEIGHT, TOLD, AttentionOptions, mask_for, prepared, with_cams
from ..steps import BOUNDARY, PUBLISHED, fooling, further, logged, reads_same, told_apart, weight

DIRECTIONS = {"A2B": ("A", "B"), "B2A": ("B", "A")}  # source and target of each
LIGHTER = 0.1 * CAM_WEIGHT  # reconstruction weighs 1 here, and 10 in U-GAT-IT


@dataclass(frozen=True)
class DiscoOptions(AttentionOptions, AdamOptions):
    """``features`` is the weight of feature matching, over the last ``feature_maps`` of the discriminator's maps.

    Reconstruction counts ``starting_rate`` for the first ``curriculum`` steps, then ``default_rate``, and all else one
    minus that. Of ``update_interval`` steps the first updates the discriminators, the others the generators.
    """

    features: float = 0.9
    feature_maps: int = 3
    starting_rate: float = 0.01
    default_rate: float = 0.5
    curriculum: int = 10_000
    update_interval: int = 3
    learning_rate: float = 2e-4
    weight_decay: float = 1e-5
    epochs: int = 5000


def squared_cycle(trip: RoundTrip) -> Tensor:
    """Mean squared distance of the returned image from the source, both in [0, 1] (arXiv:1703.05192, equation 3)."""
    return F.mse_loss(trip.back.image, trip.source) / 4


def feature_distance(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Squared distance of two batches' mean features, map by map: the batch is averaged first."""
    return torch.stack([F.mse_loss(f.mean(0), r.mean(0)) for r, f in zip(real, fake, strict=True)]).sum()


class DiscoRecipe(BaseRecipe):
    """A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1], sides from 64 on.

    All losses come from one pass and are logged at every step, unweighted and by their published names. The
    discriminator of a domain and the fakes that it sees have the same letter. Batch norms take in every pass.
    """

    boundary = BOUNDARY

    def __init__(self, parts: RecipeParts[DiscoOptions]) -> None:
        o = parts.training
        super().__init__(prepared(parts, LIGHTER), EpochSchedule(o.learning_rate, o.epochs, 0))
        self._options, self._step = o, 0
        for domain, key in self.layout.discriminators.items():
            if not hasattr(self.networks[key], "looked_at"):
                name = type(self.networks[key]).__name__
                raise ConfigError(
                    f"discogan: the discriminator of {domain} is a {name}, expected DiscoGAN's: its maps."
                )

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        return two_adams(self.networks, self.layout, self._options)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        o = self._options
        rate = o.starting_rate if self._step < o.curriculum else o.default_rate
        discriminating = self._step % o.update_interval == 0
        self._step += 1
        trips, losses = self._pass(batch)
        of_discriminators = losses["dis_loss_A"] + losses["dis_loss_B"]
        of_generators = torch.stack(list(self._weighted(losses, rate).values())).sum()
        added = further(self.objective, {source: trips[way] for way, (source, _) in DIRECTIONS.items()})
        for value in added.values():
            of_generators = of_generators + value
        if discriminating:
            update("D", of_discriminators)
        else:
            update("G", of_generators)
        told = {
            "rate": torch.tensor(rate, dtype=torch.float64),
            "discriminator_step": torch.tensor(float(discriminating)),
        }
        return logged(losses, added, {"dis_loss": of_discriminators, "gen_loss": of_generators}, told)

    def _weighted(self, losses: Mapping[str, Tensor], rate: float) -> dict[str, Tensor]:
        adversarial, features = weight(self.objective, "adversarial"), self._options.features
        weights = {
            "gen_loss": (1 - rate) * adversarial,
            "fm_loss": (1 - rate) * features,
            "recon_loss": rate * weight(self.objective, "cycle"),
            "idt_loss": weight(self.objective, "identity"),
        }
        return {name: weights[name[:-2]] * value for name, value in losses.items() if name[:-2] in weights}

    def _pass(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, RoundTrip], dict[str, Tensor]]:
        """Round trips by direction, and all parts of the losses; the order of passes is the release's."""
        n, d = self.networks, self.layout.discriminators
        fakes = {way: n[self.layout.generators[way]](batch[way[0]]) for way in DIRECTIONS}
        backs = {
            way: n[self.layout.generators[back]](fakes[way].image) for way, back in (("A2B", "B2A"), ("B2A", "A2B"))
        }
        asked = reads_same(self.objective, squared_cycle)
        sames: dict[str, Any] = {
            way: n[self.layout.generators[way]](batch[target]) if asked else None
            for way, (_, target) in DIRECTIONS.items()
        }
        trips, losses = {}, {}
        for way in ("B2A", "A2B"):
            source, target = DIRECTIONS[way]
            discriminator: Any = n[d[target]]
            mask = mask_for(discriminator, fakes[way])
            real, real_maps = discriminator.looked_at(*shown_to(discriminator, batch[target], mask))
            fake, fake_maps = discriminator.looked_at(*shown_to(discriminator, fakes[way].image, mask))
            on_real, on_fake = with_cams((real,)), with_cams((fake,))
            trip = RoundTrip(batch[source], batch[target], fakes[way], backs[way], sames[way], on_fake)
            last = self._options.feature_maps
            losses[f"dis_loss_{target}"] = 0.5 * (told_apart(on_real, 1.0) + told_apart(on_fake, 0.0))
            losses[f"fm_loss_{target}"] = feature_distance(real_maps[-last:], fake_maps[-last:])
            published = {
                "adversarial": f"gen_loss_{target}",
                "cycle": f"recon_loss_{source}",
                "identity": f"idt_loss_{target}",
            }
            for name in PUBLISHED:
                if name in self.objective:
                    losses[published[name]] = self.objective[name][1](trip)
            trips[way] = trip
        return trips, losses

    def state_dict(self) -> dict[str, Any]:
        return {"step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._step = state["step"]


discogan = RecipeFactory(
    name="discogan",
    summary="DiscoGAN (arXiv:1703.05192): pictures come back, and features match; best in batches of 64.",
    loop=DiscoRecipe,
    training=DiscoOptions,
    generator="discogan",
    discriminator="discogan",
    objective={"adversarial": (0.1, fooling), "cycle": (1.0, squared_cycle)},
    presets={
        "released": {},
        "handbags2shoes": {"starting_rate": 0.5},
        "angle": {"starting_rate": 0.9, "default_rate": 0.9, "feature_maps": 2, "generator.extra_layers": True},
    },
    initial="torch",
    told=TOLD,
)
