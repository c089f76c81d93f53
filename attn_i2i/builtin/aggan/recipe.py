"""How Mejjati et al. train: four updates in turn, soft masks first, then hard ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...blocks import AttentionNetwork, ThresholdMasked, enable_norm
from ...interfaces import RoundTrip, Update
from ...losses import LSGAN_BOUNDARY, adversarial, cycle, discriminator_lsgan, needs_same
from ...masks import foreground
from ...recipes import (
    BaseRecipe,
    EpochSchedule,
    ImagePool,
    RecipeFactory,
    RecipeParts,
    discriminate_together,
    frozen,
    sum_of,
    translate_together,
)
from ...types import Translation
from .adam import TurnAdam

TURNS = ("G_A2B", "D_B", "G_B2A", "D_A")  # the published order of updates


@dataclass(frozen=True)
class AGGANOptions:
    """From epoch ``warmup_epochs`` on the masks are cut at ``threshold`` and learn no more; ``pool`` fakes are kept.

    The rate falls to 0 over the second half of ``epochs``.
    """

    threshold: float = 0.1
    warmup_epochs: int = 30
    learning_rate: float = 1e-4
    beta1: float = 0.5
    beta2: float = 0.999
    pool: int = 50
    epochs: int = 100
    seed: int = 0


class AGGANRecipe(BaseRecipe):
    """Mejjati et al.'s training; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1].

    Updated in turn: G_A2B with its attention network, D_B on the fake from before that, G_B2A on a loss computed anew,
    D_A. While warming up, the discriminators see whole images, with instance norm. Afterwards they see only what the
    masks mark, without norm, and the attention networks stay as they are. The pools keep fakes with their masks. Losses
    are ``g_loss_A`` (of G_A2B), ``d_loss_B``, ``g_loss_B`` and ``d_loss_A``. A generator's loss is its own direction's
    terms and the other's cycle.
    """

    boundary = LSGAN_BOUNDARY

    def __init__(self, parts: RecipeParts[AGGANOptions]) -> None:
        o = parts.training
        half = o.epochs // 2
        super().__init__(parts, EpochSchedule(o.learning_rate, half + 1, o.epochs - half - 1))
        self._moments = o.learning_rate, (o.beta1, o.beta2)
        self._threshold, self._warmup = o.threshold, o.warmup_epochs
        self._pools = {domain: ImagePool(o.pool, o.seed + i) for i, domain in enumerate("AB")}
        self.on_epoch(0)

    def optimizers(self) -> dict[str, Optimizer]:
        """The four turns of one Adam."""
        rate, betas = self._moments
        return {
            name: TurnAdam(self.networks[name].parameters(), rate, betas, turn=turn, turns=len(TURNS))
            for turn, name in enumerate(TURNS, start=1)
        }

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        a, b = batch["A"], batch["B"]
        n = self.networks
        with_same = needs_same(self.objective)
        # The graph of fake_a serves the second half too: G_B2A does not change before its own turn.
        fake_a, *same_a = translate_together(n["G_B2A"], b, *[a] * with_same)
        with frozen(n["G_B2A"], n["D_B"]):
            fake_b, back_b, *same_b = translate_together(n["G_A2B"], a, fake_a.image.detach(), *[b] * with_same)
            back_a = n["G_B2A"](fake_b.image)
            verdicts = n["D_B"](fake_b.image, foreground(fake_b))
        there = RoundTrip(a, b, fake_b, back_a, same_b[0] if same_b else None, verdicts)
        loss_a = self._generator_loss(there, RoundTrip(b, a, fake_a, back_b, None, ()))
        mask_b = _mask(fake_a)
        pooled_b = self._pools["B"](fake_b.image, _mask(fake_b))
        update("G_A2B", loss_a)
        del there, fake_b, back_a, back_b, verdicts, same_b
        discriminator_b = self._update_discriminator(n["D_B"], b, mask_b, pooled_b, update, "D_B")
        with torch.no_grad():
            fake_b = n["G_A2B"](a)
        with frozen(n["G_A2B"], n["D_A"]):
            back_b = n["G_A2B"](fake_a.image)
            verdicts = n["D_A"](fake_a.image, foreground(fake_a))
        back_a = n["G_B2A"](fake_b.image)
        there = RoundTrip(b, a, fake_a, back_b, same_a[0] if same_a else None, verdicts)
        loss_b = self._generator_loss(there, RoundTrip(a, b, fake_b, back_a, None, ()))
        pooled_a = self._pools["A"](fake_a.image, _mask(fake_a))
        update("G_B2A", loss_b)
        del there, fake_a, back_a, back_b, verdicts, same_a
        discriminator_a = self._update_discriminator(n["D_A"], a, _mask(fake_b), pooled_a, update, "D_A")
        return {
            "g_loss_A": loss_a.detach(),
            "d_loss_B": discriminator_b,
            "g_loss_B": loss_b.detach(),
            "d_loss_A": discriminator_a,
        }

    def _generator_loss(self, own: RoundTrip, other: RoundTrip) -> Tensor:
        """All terms of the direction being trained, and the cycle of the other, whose way back leads through it."""
        weighted = self.weighted(own)
        if "cycle" in self.objective:
            weight, term = self.objective["cycle"]
            weighted["other cycle"] = weight * term(other)
        return sum_of(weighted)

    @staticmethod
    def _update_discriminator(
        network: nn.Module, real: Tensor, mask: Tensor, pooled: tuple[Tensor, ...], update: Update, name: str
    ) -> Tensor:
        fake, fake_mask = pooled
        loss = discriminator_lsgan(*discriminate_together(network, real, fake, (mask, fake_mask)))
        update(name, loss)
        return loss.detach()

    def on_epoch(self, epoch: int) -> None:
        """Switch masks, norm and attention networks over after the warm-up."""
        warm = epoch < self._warmup
        for part in self.networks.modules():
            if isinstance(part, ThresholdMasked):
                part.threshold = 0.0 if warm else self._threshold
            elif isinstance(part, AttentionNetwork):
                part.requires_grad_(warm)
        enable_norm(self.networks, warm)

    def state_dict(self) -> dict[str, Any]:
        return {"pools": {name: pool.state_dict() for name, pool in self._pools.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, pool in self._pools.items():
            pool.load_state_dict(state["pools"][name])


def _mask(fake: Translation) -> Tensor:
    """The mask that made ``fake``, cut from the graph."""
    return foreground(fake).detach()


aggan = RecipeFactory(
    name="aggan",
    summary="Mejjati et al. (arXiv:1806.02311); the paper gives the attention networks' decoder its kernels 3, 3, 7.",
    loop=AGGANRecipe,
    training=AGGANOptions,
    generator="aggan",
    discriminator="aggan",
    objective={"adversarial": (1.0, adversarial), "cycle": (10.0, cycle)},
    presets={"released": {}, "paper": {"generator.attention_kernels": [3, 3, 7]}},
    told=("threshold",),
)
