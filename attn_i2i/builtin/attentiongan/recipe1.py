"""How AttentionGAN I trains: a curriculum from the adversarial and mask terms to the reconstruction terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...blocks import SigmoidHead, TrunkAndHead, pad_to_multiple
from ...interfaces import RoundTrip, Update
from ...losses import LSGAN_BOUNDARY, adversarial, cycle, mask_variation, needs_same, pixel, values
from ...recipes import (
    AdamOptions,
    BaseRecipe,
    DomainDiscriminators,
    EpochSchedule,
    RecipeFactory,
    RecipeParts,
    mixes_samples,
    sum_of,
    translate_together,
    two_adams,
)
from ...recipes.base import logged_names

ATTENTION_TERMS = ("adversarial", "mask-variation")  # those that count 1 - rate
LOGGED = {"adversarial": "GAN", "mask-variation": "reg", "pixel": "pix"}  # the release's names in its log
# What each direction's terms are called by in the release, where that is not the direction.
SUFFIXES = {
    "A2B": {"cycle": "ABA", "pixel": "A", "mask-variation": "B"},
    "B2A": {"cycle": "BAB", "pixel": "B", "mask-variation": "A"},
}


@dataclass(frozen=True)
class Scheme1Options(AdamOptions):
    """Adversarial and mask terms count 1 - rate, all others rate.

    The rate is ``rate_first`` for ``warmup_epochs`` and ``rate_later`` after them. ``pool`` is how many fakes are kept.
    """

    rate_first: float = 0.01
    rate_later: float = 0.5
    warmup_epochs: int = 10
    learning_rate: float = 1e-4
    pool: int = 50
    epochs: int = 100
    decay_epochs: int = 100
    seed: int = 0


class Scheme1Recipe(BaseRecipe):
    """AttentionGAN I's training; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1].

    Losses carry their published names, unweighted but for ``loss_reg``: ``loss_GAN_A2B``, ``loss_cycle_ABA``,
    ``loss_pix_A`` and ``loss_reg_B`` belong to A2B. The release also translates each target, for no loss. That moves
    the running statistics of batch norm, so it is done here if there is batch norm.
    """

    boundary = LSGAN_BOUNDARY

    def __init__(self, parts: RecipeParts[Scheme1Options]) -> None:
        o = parts.training
        super().__init__(parts, EpochSchedule(o.learning_rate, o.epochs, o.decay_epochs))
        self._rates: AdamOptions = o
        self._logged = logged_names(LOGGED, self.objective)
        self._warmup, self._curriculum = o.warmup_epochs, (o.rate_first, o.rate_later)
        self.rate = o.rate_first
        self._discriminators = DomainDiscriminators(self.networks, pool=o.pool, seed=o.seed)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        trips = self._translate(batch["A"], batch["B"])
        terms_of = {direction: values(self.objective, trip) for direction, trip in trips.items()}
        weighted = {f"{d}.{n}": self._weight(n) * value for d, terms in terms_of.items() for n, value in terms.items()}
        total = sum_of(weighted)
        update("G", total)
        losses = self._named(terms_of) | {"loss_G": total.detach()}
        fakes_a, fakes_b = (self._discriminators.pooled(d[-1], trips[d].fake) for d in ("B2A", "A2B"))
        del trips, terms_of, weighted, total
        loss_a = self._discriminators.loss("A", batch["A"], fakes_a)
        loss_d = 0.5 * (loss_a + self._discriminators.loss("B", batch["B"], fakes_b))
        update("D", loss_d)
        return losses | {"loss_D": loss_d.detach(), "rate": torch.full_like(loss_d, self.rate)}

    def _weight(self, name: str) -> float:
        return self.objective[name][0] * (1 - self.rate if name in ATTENTION_TERMS else self.rate)

    def _named(self, terms_of: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Terms under their published names; the mask's is recorded with its weight."""
        return {
            f"loss_{self._logged[name]}_{SUFFIXES[direction].get(name, direction)}": value.detach()
            * (self.objective[name][0] if name == "mask-variation" else 1)
            for direction, terms in terms_of.items()
            for name, value in terms.items()
        }

    def _translate(self, a: Tensor, b: Tensor) -> dict[str, RoundTrip]:
        """Both round trips, each network's passes in the published order."""
        n = self.networks
        g_b, g_a = n["G_A2B"], n["G_B2A"]
        with_same = needs_same(self.objective)
        if not with_same:
            _move_statistics(g_b, b)
            _move_statistics(g_a, a)
        *same_b, fake_b = translate_together(g_b, *[b] * with_same, a)
        *same_a, back_a, fake_a = translate_together(g_a, *[a] * with_same, fake_b.image, b)
        (back_b,) = translate_together(g_b, fake_a.image)
        verdicts_b, verdicts_a = self._discriminators.verdicts("B", fake_b), self._discriminators.verdicts("A", fake_a)
        return {
            "A2B": RoundTrip(a, b, fake_b, back_a, same_b[0] if same_b else None, verdicts_b),
            "B2A": RoundTrip(b, a, fake_a, back_b, same_a[0] if same_a else None, verdicts_a),
        }

    def on_epoch(self, epoch: int) -> None:
        """Move on to the later rate after the warm-up."""
        self.rate = self._curriculum[epoch >= self._warmup]

    def state_dict(self) -> dict[str, Any]:
        return {"pools": self._discriminators.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._discriminators.load_state_dict(state["pools"])


@torch.no_grad()
def _move_statistics(generator: nn.Module, image: Tensor) -> None:
    """A pass whose output nobody reads, as far as running statistics go: the closing convolution has none."""
    if not mixes_samples(generator):
        return
    head: Any = getattr(generator, "head", None)
    if isinstance(generator, TrunkAndHead) and isinstance(head, SigmoidHead):
        padded = pad_to_multiple(image, generator.stride, minimum=2 * generator.stride)
        head.up(generator.trunk(padded))
    else:
        generator(image)


attentiongan1 = RecipeFactory(
    name="attentiongan1",
    summary="AttentionGAN I (arXiv:1903.12296); the paper has instance norm and attention-guided discriminators.",
    loop=Scheme1Recipe,
    training=Scheme1Options,
    generator="attentiongan1",
    discriminator="attentiongan1",
    objective={
        "adversarial": (0.5, adversarial),
        "mask-variation": (1e-6, mask_variation),
        "cycle": (10.0, cycle),
        "pixel": (1.0, pixel),
    },
    presets={"released": {}, "paper": {"discriminator": "plain-and-guided", "generator.norm": "instance"}},
)
