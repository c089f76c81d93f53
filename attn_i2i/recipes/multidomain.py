"""One generator for many domains, trained by a critic that also names the domain (StarGAN, arXiv:1711.09020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..interfaces import Objective, RoundTrip, Update
from ..losses import attribute_loss, classification, critic, cycle, gradient_penalty, values, wgan
from ..types import ConfigError, Translation
from .augment import shifted
from .base import BaseRecipe, logged_names
from .factory import RecipeParts
from .networks import AdamOptions, discriminate_together, frozen, sum_of, two_adams, uncompiled
from .schedule import StepSchedule

DOMAIN_TERMS: Objective = {
    "adversarial": (1.0, critic),
    "cycle": (10.0, cycle),
    "classification": (1.0, classification),
}
"""StarGAN's terms with their published weights (arXiv:1711.09020, section 3.2)."""
# The release's names in its log.
LOGGED = {"adversarial": "loss_fake", "cycle": "loss_rec", "classification": "loss_cls"}


@dataclass(frozen=True)
class DomainOptions(AdamOptions):
    """``penalty`` is the weight of the gradient penalty; the generator is updated every ``n_critic`` steps.

    The discriminator's classification loss on real images has ``real_classification`` times the weight of the
    generator's on its fakes. The discriminator is shown every image moved by up to ``shift`` pixels. Rates fall to 0
    over the last ``decay_steps`` of ``steps``. Further options as in `AdamOptions`.
    """

    real_classification: float = 1.0
    penalty: float = 10.0
    n_critic: int = 5
    learning_rate: float = 1e-4
    shift: int = 0
    steps: int = 200_000
    decay_steps: int = 100_000
    seed: int = 0


class MultiDomainRecipe(BaseRecipe):
    """StarGAN's training of any label-conditioned generator ``G`` against ``D``, whose verdict has class logits.

    A batch is ``image``, (B, 3, H, W) in [-1, 1], and its ``label``, (B, domains) of 0 and 1. It may hold ``target``,
    else the shuffled labels are taken, and ``gp_alpha``, (B, 1, 1, 1) in [0, 1], else that is drawn. The critic is
    updated first, on a fake that serves the generator's update too. Losses carry their published names, unweighted.
    """

    def __init__(self, parts: RecipeParts[DomainOptions]) -> None:
        o = parts.training
        super().__init__(parts, StepSchedule(o.learning_rate, o.steps, o.decay_steps))
        self._rates: AdamOptions = o
        self._logged = logged_names(LOGGED, self.objective)
        self._turn, self._shift, self._steps = max(1, o.n_critic), o.shift, 0
        names_domains, _ = self.objective.get("classification", (0.0, classification))
        self._critic_weights = {"D/loss_cls": o.real_classification * names_domains, "D/loss_gp": o.penalty}
        self._random = torch.Generator().manual_seed(o.seed)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for the generator, one for the discriminator."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        image, label = batch["image"], batch["label"]
        target, alpha = self._drawn(batch)
        self._steps += 1
        generator_turn = self._steps % self._turn == 0
        with torch.set_grad_enabled(generator_turn):
            fake: Translation = self.networks["G"](image, target)
        losses = self._update_critic(self._shown(image), label, self._shown(fake.image.detach()), alpha, update)
        if generator_turn:
            with frozen(self.networks["D"]):
                verdicts = self.networks["D"](self._shown(fake.image))
            back = self.networks["G"](fake.image, label)
            terms = values(self.objective, RoundTrip(image, image, fake, back, None, verdicts, target))
            update("G", sum_of({name: self.objective[name][0] * value for name, value in terms.items()}))
            losses |= {f"G/{self._logged[name]}": value.detach() for name, value in terms.items()}
        return losses

    def _drawn(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Target labels and interpolation weights, from the batch or from the recipe's own random source."""
        image, label = batch["image"], batch["label"]
        target, alpha = batch.get("target"), batch.get("gp_alpha")
        if target is None:
            order = torch.randperm(len(label), generator=self._random)
            target = label[order.to(label.device, non_blocking=True)]
        if alpha is None:
            drawn = torch.rand(len(image), 1, 1, 1, generator=self._random)
            alpha = drawn.to(image.device, image.dtype, non_blocking=True)
        return target, alpha

    def _shown(self, images: Tensor) -> Tensor:
        """What the discriminator sees of images."""
        return shifted(images, self._shift, self._random)

    def _update_critic(
        self, image: Tensor, label: Tensor, fake: Tensor, alpha: Tensor, update: Update
    ) -> dict[str, Tensor]:
        discriminator = self.networks["D"]
        (on_real,), (on_fake,) = discriminate_together(discriminator, image, fake)
        if on_real.class_logits is None:
            raise ConfigError("A multi-domain recipe needs a discriminator with class logits, such as stargan's.")
        losses = {
            "D/loss_real": wgan(on_real.logits, True),
            "D/loss_fake": wgan(on_fake.logits, False),
            "D/loss_cls": attribute_loss(on_real.class_logits, label),
            "D/loss_gp": gradient_penalty(lambda x: uncompiled(discriminator)(x)[0].logits, image, fake, alpha),
        }
        update("D", sum_of({name: self._critic_weights.get(name, 1.0) * value for name, value in losses.items()}))
        return {name: value.detach() for name, value in losses.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]
        self._random.set_state(state["random"].cpu())
