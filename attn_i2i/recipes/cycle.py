"""Two generators and their discriminators trained by cycle consistency (CycleGAN, arXiv:1703.10593)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from ..interfaces import Objective, RoundTrip, Update
from ..losses import LSGAN_BOUNDARY, adversarial, cycle, identity, needs_same
from .base import BaseRecipe, logged_names
from .discriminators import DomainDiscriminators
from .factory import RecipeParts
from .networks import AdamOptions, sum_of, translate_together, two_adams
from .schedule import EpochSchedule

CYCLE_TERMS: Objective = {"adversarial": (1.0, adversarial), "cycle": (10.0, cycle), "identity": (5.0, identity)}
"""CycleGAN's terms with their released weights (arXiv:1703.10593, section 5.2)."""
LOGGED = {"adversarial": "G", "identity": "idt"}  # the release's names in its log


@dataclass(frozen=True)
class CycleOptions(AdamOptions):
    """``pool`` is how many fakes are kept, ``decay_epochs`` follow ``epochs``; further options as in `AdamOptions`."""

    pool: int = 50
    epochs: int = 100
    decay_epochs: int = 100
    seed: int = 0


class CycleRecipe(BaseRecipe):
    """CycleGAN's training of any two generators ``G_A2B``, ``G_B2A`` against ``D_A``, ``D_B`` (D_x looks at domain x).

    A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]. The generators are updated first, then the
    discriminators on fakes from a pool. Losses are named by the generator's letter, weighted, as published: ``G_A``,
    ``cycle_A``, ``idt_A`` belong to A2B, ``D_A`` to the discriminator of its fakes. Discriminators that advertise
    ``masked`` also read the foreground mask of the fake, for the fake as for the real image (arXiv:1911.11897,
    section 3.3).
    """

    boundary = LSGAN_BOUNDARY

    def __init__(self, parts: RecipeParts[CycleOptions]) -> None:
        o = parts.training
        super().__init__(parts, EpochSchedule(o.learning_rate, o.epochs, o.decay_epochs))
        self._rates: AdamOptions = o
        self._logged = logged_names(LOGGED, self.objective)
        self._discriminators = DomainDiscriminators(self.networks, pool=o.pool, seed=o.seed)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        return two_adams(self.networks, self.layout, self._rates)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        trips = self._translate(batch["A"], batch["B"])
        weighted = {
            f"{self._logged[name]}_{letter}": value
            for letter, trip in trips.items()
            for name, value in self.weighted(trip).items()
        }
        update("G", sum_of(weighted))
        losses = {name: value.detach() for name, value in weighted.items()}
        fakes_b, fakes_a = (self._discriminators.pooled(d, trips[n].fake) for d, n in (("B", "A"), ("A", "B")))
        del trips, weighted
        on_discriminators = {
            "D_A": self._discriminators.loss("B", batch["B"], fakes_b),
            "D_B": self._discriminators.loss("A", batch["A"], fakes_a),
        }
        update("D", sum_of(on_discriminators))
        return losses | {name: value.detach() for name, value in on_discriminators.items()}

    def _translate(self, a: Tensor, b: Tensor) -> dict[str, RoundTrip]:
        """Both round trips in three generator passes, shown to the discriminators, which get no gradients."""
        n = self.networks
        with_same = needs_same(self.objective)
        fake_b, *same_b = translate_together(n["G_A2B"], a, *[b] * with_same)
        fake_a, back_a, *same_a = translate_together(n["G_B2A"], b, fake_b.image, *[a] * with_same)
        (back_b,) = translate_together(n["G_A2B"], fake_a.image)
        verdicts_a, verdicts_b = self._discriminators.verdicts("A", fake_a), self._discriminators.verdicts("B", fake_b)
        return {
            "A": RoundTrip(a, b, fake_b, back_a, same_b[0] if same_b else None, verdicts_b),
            "B": RoundTrip(b, a, fake_a, back_b, same_a[0] if same_a else None, verdicts_a),
        }

    def state_dict(self) -> dict[str, Any]:
        return {"pools": self._discriminators.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._discriminators.load_state_dict(state["pools"])
