"""How DualGAN trains: two Wasserstein critics, then two generators on a pass of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from attn_i2i import Verdict
from attn_i2i.interfaces import RoundTrip, Update
from attn_i2i.losses import at_least_float32, critic, cycle, wgan
from attn_i2i.recipes import BaseRecipe, EpochSchedule, RecipeFactory, RecipeParts, frozen, sum_of, uncompiled
from torch import Tensor, nn
from torch.optim import Optimizer

from ..attention import TOLD, AttentionOptions, hidden, mask_for, prepared, with_cams
from ..steps import BOUNDARY, fooling, further, logged, reads_same, told_apart, weight
from .rmsprop import RMSProp

COUNTED_FROM = 2  # the release's counter at the first batch
TINY = 1e-8  # under the root of the penalty's norm


@dataclass(frozen=True)
class DualOptions(AttentionOptions):
    """``gan`` is the adversarial game; ``penalty`` weighs "wgan-gp"'s, ``clip`` bounds the weights of "wgan"'s critics.

    ``cycle_of_a`` and ``cycle_of_b`` are factors of the cycle's weight for pictures of A and of B, measured in
    ``distance``. The generators of the two Wasserstein games learn every ``n_critic`` steps, "classic" ones twice a
    step. ``decay`` and ``epsilon`` are RMSProp's.
    """

    gan: Literal["wgan-gp", "wgan", "classic"] = "wgan-gp"
    penalty: float = 10.0
    clip: float = 0.01
    n_critic: int = 1
    cycle_of_a: float = 1.0
    cycle_of_b: float = 1.0
    distance: Literal["L1", "L2"] = "L1"
    learning_rate: float = 5e-5
    decay: float = 0.9
    epsilon: float = 1e-10
    epochs: int = 50


def squared_cycle(trip: RoundTrip) -> Tensor:
    """Mean squared distance of the returned image from the source."""
    return F.mse_loss(trip.back.image, trip.source)


def penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, share: Tensor, mask: Tensor | None = None) -> Tensor:
    """Squared distance of the critic's gradient norm from 1 between real and fake, where ``share`` is the fake's.

    A CAM's logits are part of the critic, so that their mean is added to its number.
    """
    between = torch.lerp(real, fake.to(real.dtype), share).requires_grad_(True)
    verdict = uncompiled(discriminator)(between, mask)[0]
    score = at_least_float32(verdict.logits).sum()
    if verdict.cam_logits is not None:
        score = score + at_least_float32(verdict.cam_logits).mean(1).sum()
    (gradient,) = torch.autograd.grad(score, between, create_graph=True)
    return ((gradient.square().sum((1, 2, 3)) + TINY).sqrt() - 1).square().mean()


def scored(verdicts: tuple[Verdict, ...], goal: float) -> Tensor:
    """A critic's loss on real images, where ``goal`` is 1, or on fakes, where it is 0."""
    return torch.stack([wgan(verdict.logits, bool(goal)) for verdict in verdicts]).sum()


class DualRecipe(BaseRecipe):
    """A batch is ``A`` and ``B``, (B, C, H, W) in [-1, 1]. The penalty's shares may be given, (B, 1, 1, 1) in [0, 1].

    They are called ``epsilon_A`` and ``epsilon_B`` and otherwise drawn. Losses go by their published names: ``Ad`` is
    the critic that A2B meets, which looks at B; totals are weighted, all else is not.
    """

    def __init__(self, parts: RecipeParts[DualOptions]) -> None:
        o = parts.training
        super().__init__(prepared(parts), EpochSchedule(o.learning_rate, o.epochs, 0))
        self._options, self._step = o, 0
        self.boundary = BOUNDARY if o.gan == "classic" else None
        terms = dict(self.objective)
        if o.distance == "L2" and terms.get("cycle", (0, None))[1] is cycle:
            terms["cycle"] = (terms["cycle"][0], squared_cycle)
        if o.gan == "classic" and terms.get("adversarial", (0, None))[1] is critic:
            terms["adversarial"] = (terms["adversarial"][0], fooling)
        self.objective = terms

    def optimizers(self) -> dict[str, Optimizer]:
        """One RMSProp for both generators, one for both discriminators."""
        o = self._options
        clip = o.clip if o.gan == "wgan" else None
        groups = {"G": (self.layout.generators, None), "D": (self.layout.discriminators, clip)}
        return {
            name: RMSProp(
                [p for key in keys.values() for p in self.networks[key].parameters()],
                o.learning_rate,
                o.decay,
                o.epsilon,
                held,
            )
            for name, (keys, held) in groups.items()
        }

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        o = self._options
        counter = self._step + COUNTED_FROM
        self._step += 1
        of_discriminators = self._discriminate(batch)
        update("D", of_discriminators["d_loss"])
        generating = o.gan == "classic" or counter % o.n_critic == 0
        losses: dict[str, Tensor] = {}
        for _ in range(2 if o.gan == "classic" else 1):
            with torch.set_grad_enabled(generating):
                losses = self._generate(batch)
            if generating:
                update("G", losses["g_loss"])
        return logged(of_discriminators, losses, {"generator_step": torch.tensor(float(generating))})

    def _discriminate(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        o, n = self._options, self.networks
        losses: dict[str, Tensor] = {}
        total = []
        for source, target in ("AB", "BA"):
            with torch.no_grad():
                translation = n[self.layout.generators[f"{source}2{target}"]](batch[source])
            network, real, fake = n[self.layout.discriminators[target]], batch[target], translation.image
            mask = hidden(mask_for(network, translation))
            apart = told_apart if o.gan == "classic" else scored
            for kind, image, goal in (("real", real, 1.0), ("fake", fake, 0.0)):
                losses[f"{source}d_loss_{kind}"] = apart(with_cams(network(image, mask)), goal)
            total += [losses[f"{source}d_loss_real"], losses[f"{source}d_loss_fake"]]
            if o.gan == "wgan-gp":
                name = f"epsilon_{target}"
                share = batch[name] if name in batch else torch.rand_like(real[:, :1, :1, :1])
                losses[f"penalty_{target}"] = penalty(network, real, fake, share, mask)
                total.append(o.penalty * losses[f"penalty_{target}"])
        return losses | {"d_loss": torch.stack(total).sum()}

    def _generate(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        trips = self._trips(batch)
        back = {source: self._term("cycle", trip) for source, trip in trips.items()}
        shares = {"A": self._options.cycle_of_a, "B": self._options.cycle_of_b}
        losses = {f"{source}_loss": value for source, value in back.items()}
        for source, target in ("AB", "BA"):
            fooled = weight(self.objective, "adversarial") * self._term("adversarial", trips[source])
            losses[f"{source}g_loss"] = fooled + weight(self.objective, "cycle") * shares[target] * back[target]
        total = {name: losses[name] for name in ("Ag_loss", "Bg_loss")}
        for source, trip in trips.items():
            if "identity" in self.objective:
                losses[f"idt_{source}"] = self._term("identity", trip)
                total[f"idt_{source}"] = weight(self.objective, "identity") * losses[f"idt_{source}"]
        added = further(self.objective, trips)
        return losses | added | {"g_loss": sum_of(total | added)}

    def _trips(self, batch: Mapping[str, Tensor]) -> dict[str, RoundTrip]:
        """Round trips by the letter of their source."""
        n, g, d = self.networks, self.layout.generators, self.layout.discriminators
        asked = reads_same(self.objective, squared_cycle)
        trips = {}
        for source, target in ("AB", "BA"):
            there, back = n[g[f"{source}2{target}"]], n[g[f"{target}2{source}"]]
            fake = there(batch[source])
            same = there(batch[target]) if asked else None
            with frozen(n[d[target]]):
                verdicts = with_cams(n[d[target]](fake.image, mask_for(n[d[target]], fake)))
            trips[source] = RoundTrip(batch[source], batch[target], fake, back(fake.image), same, verdicts)
        return trips

    def _term(self, name: str, trip: RoundTrip) -> Tensor:
        """A term without its weight, 0 where the objective has none of this name."""
        return self.objective[name][1](trip) if name in self.objective else trip.source.new_zeros(())

    def state_dict(self) -> dict[str, Any]:
        return {"step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._step = state["step"]


dualgan = RecipeFactory(
    name="dualgan",
    summary="DualGAN (arXiv:1704.02510): Wasserstein critics with a gradient penalty, and pictures that come back.",
    loop=DualRecipe,
    training=DualOptions,
    generator="dualgan",
    discriminator="dualgan",
    objective={"adversarial": (1.0, critic), "cycle": (500.0, cycle)},
    presets={"released": {}, "readme": {"objective.cycle": 1000.0, "epochs": 100}},
    initial="torch",
    told=TOLD,
)
