"""How U-GAT-IT trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...blocks import LIN, AdaLIN, BatchInstanceNorm2d
from ...interfaces import RoundTrip, Update
from ...losses import LSGAN_BOUNDARY, cam, cycle, identity, lsgan, values
from ...recipes import (
    AdamOptions,
    BaseRecipe,
    RecipeFactory,
    RecipeParts,
    StepSchedule,
    discriminate_together,
    frozen,
    sum_of,
    translate_together,
    two_adams,
)
from ...recipes.base import logged_names
from ...types import Verdict

# The release's names in its log.
LOGGED = {"adversarial": "ad_loss", "cycle": "recon_loss", "identity": "identity_loss", "cam": "cam_loss"}
SCALES = "GL"  # the release's letters of the global and the local discriminator


@dataclass(frozen=True)
class UGATITOptions(AdamOptions):
    """The rate falls over the second half of ``steps``."""

    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    steps: int = 1_000_000


def fooled(verdicts: tuple[Verdict, ...], real: bool = True) -> dict[str, Tensor]:
    """LSGAN losses of verdicts by their published names: of the logits and, where there are any, the CAM logits."""
    scales = SCALES if len(verdicts) == len(SCALES) else [str(scale) for scale in range(len(verdicts))]
    losses = {}
    for scale, verdict in zip(scales, verdicts, strict=True):
        losses[f"ad_loss_{scale}"] = lsgan(verdict.logits, real)
        if verdict.cam_logits is not None:
            losses[f"ad_cam_loss_{scale}"] = lsgan(verdict.cam_logits, real)
    return losses


def adversarial(trip: RoundTrip) -> Tensor:
    """LSGAN loss of the generator on the logits and CAM logits of every verdict (U-GAT-IT, equation 3)."""
    return sum_of(fooled(trip.verdicts))


class UGATITRecipe(BaseRecipe):
    """U-GAT-IT's training; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1].

    The discriminators are updated first, on fresh fakes that serve the generators' update too; each generator pass
    also translates the target. Spectral norm iterates once a published pass: real, fake, and fake again for the
    generators. rho is clipped to [0, 1] after each generator update. Losses carry their published names, unweighted;
    those that end in A concern the domain A, ``G_recon_loss_A`` its return. The adversarial term is logged in parts,
    by scale and kind of logits; its weight also scales the discriminators' loss.
    """

    boundary = LSGAN_BOUNDARY

    def __init__(self, parts: RecipeParts[UGATITOptions]) -> None:
        o = parts.training
        super().__init__(parts, StepSchedule(o.learning_rate, o.steps, o.steps // 2))
        self._rates: AdamOptions = o
        self._logged = logged_names(LOGGED, self.objective)
        self._adversarial_weight, _ = self.objective.get("adversarial", (0.0, adversarial))

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for all discriminators, with L2 weight decay."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        a, b = batch["A"], batch["B"]
        n = self.networks
        fake_b, same_b = translate_together(n["G_A2B"], a, b)
        fake_a, same_a = translate_together(n["G_B2A"], b, a)
        on_discriminators = self._discriminator_losses(n["D_A"], "A", a, fake_a.image) | self._discriminator_losses(
            n["D_B"], "B", b, fake_b.image
        )
        discriminator_total = self._adversarial_weight * sum_of(on_discriminators)
        update("D", discriminator_total)
        losses = {name: value.detach() for name, value in on_discriminators.items()}
        losses["Discriminator_loss"] = discriminator_total.detach()
        del on_discriminators, discriminator_total
        with frozen(n["D_A"], n["D_B"]):
            verdicts_a, verdicts_b = n["D_A"](fake_a.image), n["D_B"](fake_b.image)
        back_a, back_b = n["G_B2A"](fake_b.image), n["G_A2B"](fake_a.image)
        trips = {
            "A": RoundTrip(b, a, fake_a, back_b, same_a, verdicts_a),
            "B": RoundTrip(a, b, fake_b, back_a, same_b, verdicts_b),
        }
        terms = {domain: values(self.objective, trip) for domain, trip in trips.items()}
        total = sum_of({f"{d}.{k}": self.objective[k][0] * v for d, parts in terms.items() for k, v in parts.items()})
        losses |= {name: value for domain in trips for name, value in self._named(domain, trips, terms).items()}
        update("G", total)
        clip_rho(n["G_A2B"], n["G_B2A"])
        return losses | {"Generator_loss": total.detach()}

    @staticmethod
    def _discriminator_losses(network: nn.Module, domain: str, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        on_real, on_fake = discriminate_together(network, real, fake.detach())
        of_real, of_fake = fooled(on_real), fooled(on_fake, real=False)
        return {f"D_{name}{domain}": of_real[name] + of_fake[name] for name in of_real}

    def _named(
        self, domain: str, trips: Mapping[str, RoundTrip], terms: Mapping[str, Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Terms of one domain by published names: scales take the domain at once, others after an underscore."""
        other = {"A": "B", "B": "A"}
        named: dict[str, Tensor] = {}
        for term, value in terms[domain].items():
            if self.objective[term][1] is adversarial:
                with torch.no_grad():
                    named |= {f"G_{name}{domain}": part for name, part in fooled(trips[domain].verdicts).items()}
            else:
                named[f"G_{self._logged[term]}_{other[domain] if term == 'cycle' else domain}"] = value.detach()
        return named


@torch.no_grad()
def clip_rho(*generators: nn.Module) -> None:
    """Bring every rho that mixes two normalisations back to [0, 1] (section 2.1.1)."""
    for generator in generators:
        for part in generator.modules():
            if isinstance(part, AdaLIN | LIN | BatchInstanceNorm2d):
                part.rho.clamp_(0, 1)


ugatit = RecipeFactory(
    name="ugatit",
    summary="U-GAT-IT (arXiv:1907.10830), light or full; the paper draws the first weights from N(0, 0.02).",
    loop=UGATITRecipe,
    training=UGATITOptions,
    generator="ugatit",
    discriminator="ugatit",
    objective={
        "adversarial": (1.0, adversarial),
        "cycle": (10.0, cycle),
        "identity": (10.0, identity),
        "cam": (1000.0, cam),
    },
    presets={"released": {}, "paper": {"initial": "normal"}},
    initial="torch",
)
