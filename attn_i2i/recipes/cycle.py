"""Two generators and their discriminators trained by cycle consistency (CycleGAN, arXiv:1703.10593)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ..interfaces import Objective, RoundTrip, Update
from ..losses import adversarial, cycle, identity, merged, needs_same, values
from .discriminators import DomainDiscriminators
from .networks import Layout, pairwise_adam, sum_of, translate_together
from .schedule import EpochSchedule


@dataclass(frozen=True)
class CycleOptions:
    """``cycle`` and ``identity`` are weights, ``pool`` the fakes kept, ``decay_epochs`` follow ``epochs``.

    The discriminators learn at ``discriminator_rate`` times the generators' rate (Heusel et al., arXiv:1706.08500).
    """

    cycle: float = 10.0
    identity: float = 5.0
    learning_rate: float = 2e-4
    discriminator_rate: float = 1.0
    beta1: float = 0.5
    beta2: float = 0.999
    pool: int = 50
    epochs: int = 100
    decay_epochs: int = 100
    seed: int = 0


class CycleRecipe(EpochSchedule):
    """CycleGAN's training of any two generators ``G_A2B``, ``G_B2A`` against ``D_A``, ``D_B`` (D_x looks at domain x).

    A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]. The generators are updated first, then the
    discriminators on fakes from a pool. Losses are named by the generator's letter, weighted, as published: ``G_A``,
    ``cycle_A``, ``idt_A`` belong to A2B, ``D_A`` to the discriminator of its fakes. With ``guided`` the discriminators
    also read the foreground mask of the fake, for the fake as for the real image (arXiv:1911.11897, section 3.3).
    ``objective`` is merged into the default terms ``G``, ``cycle`` and ``idt``.
    """

    def __init__(
        self,
        networks: nn.ModuleDict,
        options: CycleOptions,
        *,
        objective: Objective | None = None,
        guided: bool = False,
        layout: Layout | None = None,
        shown: Mapping[str, Any] | None = None,
    ) -> None:
        self.networks, self.layout = networks, layout
        self.options = dict(shown or vars(options))
        self._options: CycleOptions = options
        default = {"G": (1.0, adversarial), "cycle": (options.cycle, cycle), "idt": (options.identity, identity)}
        self.objective = merged(default, objective)
        self._discriminators = DomainDiscriminators(networks, pool=options.pool, seed=options.seed, guided=guided)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        o = self._options
        betas = o.beta1, o.beta2
        return pairwise_adam(self.networks, o.learning_rate, betas, discriminator_rate=o.discriminator_rate)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        trips = self._translate(batch["A"], batch["B"])
        weighted = {
            f"{name}_{letter}": self.objective[name][0] * value
            for letter, trip in trips.items()
            for name, value in values(self.objective, trip).items()
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
        pools = self._discriminators.state_dict()
        return {"pools": {"A": pools["B"], "B": pools["A"]}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pools = state["pools"]  # by the letter of the generator that filled them, as losses are named
        self._discriminators.load_state_dict({"A": pools["B"], "B": pools["A"]})
