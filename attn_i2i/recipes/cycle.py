"""Two generators and their discriminators trained by cycle consistency (CycleGAN, arXiv:1703.10593)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from ..blocks import foreground
from ..interfaces import Objective, RoundTrip, Update
from ..losses import adversarial, cycle, identity, judge_lsgan, merged, needs_same, values
from ..pool import ImagePool
from ..types import Translation
from .networks import Layout, adam, frozen, judge_together, translate_together
from .schedule import by_epoch


@dataclass(frozen=True)
class CycleOptions:
    """``cycle`` and ``identity`` are weights, ``pool`` the fakes kept, ``decay_epochs`` follow ``epochs``."""

    cycle: float = 10.0
    identity: float = 5.0
    learning_rate: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    pool: int = 50
    epochs: int = 100
    decay_epochs: int = 100
    seed: int = 0


class CycleRecipe:
    """CycleGAN's training of any two generators ``G_A2B``, ``G_B2A`` against ``D_A``, ``D_B`` (D_x judges domain x).

    A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]. The generators are updated first, then the
    discriminators on fakes from a pool. Losses are named by the generator's letter, weighted, as published: ``G_A``,
    ``cycle_A``, ``idt_A`` belong to A2B, ``D_A`` to the judge of its fakes. With ``guided`` the discriminators also
    read the foreground mask of the fake, for the fake as for the real image (arXiv:1911.11897, section 3.3).
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
        self.networks, self.guided, self.layout = networks, guided, layout
        self.options = dict(shown or vars(options))
        self._options = options
        default = {"G": (1.0, adversarial), "cycle": (options.cycle, cycle), "idt": (options.identity, identity)}
        self.objective = merged(default, objective)
        self._pools = {domain: ImagePool(options.pool, options.seed + i) for i, domain in enumerate("AB")}

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        o, n = self._options, self.networks
        betas = (o.beta1, o.beta2)
        return {
            "G": adam([n["G_A2B"], n["G_B2A"]], o.learning_rate, betas),
            "D": adam([n["D_A"], n["D_B"]], o.learning_rate, betas),
        }

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        trips = self._translate(batch["A"], batch["B"])
        weighted = {
            f"{name}_{letter}": self.objective[name][0] * value
            for letter, trip in trips.items()
            for name, value in values(self.objective, trip).items()
        }
        update("G", sum_of(weighted))
        losses = {name: value.detach() for name, value in weighted.items()}
        fakes = {letter: self._pooled(letter, trip.fake) for letter, trip in trips.items()}
        targets = {letter: trip.target for letter, trip in trips.items()}
        del trips, weighted
        judged = {
            "D_A": self._judge_loss(self.networks["D_B"], targets["A"], fakes["A"]),
            "D_B": self._judge_loss(self.networks["D_A"], targets["B"], fakes["B"]),
        }
        update("D", sum_of(judged))
        return losses | {name: value.detach() for name, value in judged.items()}

    def _translate(self, a: Tensor, b: Tensor) -> dict[str, RoundTrip]:
        """Both round trips in three generator passes, judged without gradients for the judges."""
        n = self.networks
        with_same = needs_same(self.objective)
        fake_b, *same_b = translate_together(n["G_A2B"], a, *[b] * with_same)
        fake_a, back_a, *same_a = translate_together(n["G_B2A"], b, fake_b.image, *[a] * with_same)
        (back_b,) = translate_together(n["G_A2B"], fake_a.image)
        with frozen(n["D_A"], n["D_B"]):
            verdicts_a = n["D_A"](fake_a.image, self._mask(fake_a))
            verdicts_b = n["D_B"](fake_b.image, self._mask(fake_b))
        return {
            "A": RoundTrip(a, b, fake_b, back_a, same_b[0] if same_b else None, verdicts_b),
            "B": RoundTrip(b, a, fake_a, back_b, same_a[0] if same_a else None, verdicts_a),
        }

    def _mask(self, fake: Translation) -> Tensor | None:
        return foreground(fake) if self.guided else None

    def _pooled(self, letter: str, fake: Translation) -> tuple[Tensor, ...]:
        """Fakes, with the masks that made them where the judges are guided."""
        mask = self._mask(fake)
        return self._pools[letter](fake.image, *([] if mask is None else [mask]))

    @staticmethod
    def _judge_loss(judge: nn.Module, real: Tensor, pooled: tuple[Tensor, ...]) -> Tensor:
        fake, *mask = pooled
        return judge_lsgan(*judge_together(judge, real, fake, (mask[0], mask[0]) if mask else None))

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        o = self._options
        return o.learning_rate * by_epoch(step, steps_per_epoch, constant=o.epochs, decay=o.decay_epochs)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return (self._options.epochs + self._options.decay_epochs) * steps_per_epoch

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def state_dict(self) -> dict[str, Any]:
        return {"pools": {name: pool.state_dict() for name, pool in self._pools.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, pool in self._pools.items():
            pool.load_state_dict(state["pools"][name])


def sum_of(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of scalar losses."""
    first, *rest = losses.values()
    for loss in rest:
        first = first + loss
    return first
