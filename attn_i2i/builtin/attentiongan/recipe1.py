"""How AttentionGAN I trains: a curriculum from the adversarial and mask terms to the reconstruction terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...blocks import SigmoidHead, TrunkAndHead, pad_to_multiple
from ...interfaces import Objective, RoundTrip, Update
from ...losses import adversarial, cycle, mask_variation, merged, needs_same, pixel, values
from ...recipes import (
    DomainDiscriminators,
    EpochSchedule,
    Layout,
    Presets,
    flattened,
    mixes_samples,
    pairwise_adam,
    pairwise_layout,
    pairwise_networks,
    resolve,
    sum_of,
    translate_together,
)
from .networks import TowerDiscriminator, scheme1
from .recipe import PlainAndGuided

PRESETS: Presets = {"released": {}, "paper": {"guided": True, "norm": "instance"}}
ATTENTION_TERMS = ("GAN", "reg")


@dataclass(frozen=True)
class NetworkOptions:
    """``guided`` puts PatchGANs, one of them attention-guided, in the place of the released averaging discriminator."""

    width: int = 64
    blocks: int = 6
    norm: str = "batch"
    guided: bool = False
    discriminator_width: int = 64


@dataclass(frozen=True)
class TrainingOptions:
    """``gan``, ``variation``, ``cycle`` and ``pixel`` are weights.

    Adversarial and mask terms count 1 - rate, all others rate, which is ``rate_first`` for ``warmup_epochs`` and
    ``rate_later`` after them.
    """

    gan: float = 0.5
    variation: float = 1e-6
    cycle: float = 10.0
    pixel: float = 1.0
    rate_first: float = 0.01
    rate_later: float = 0.5
    warmup_epochs: int = 10
    learning_rate: float = 1e-4
    beta1: float = 0.5
    beta2: float = 0.999
    pool: int = 50
    epochs: int = 100
    decay_epochs: int = 100
    seed: int = 0


def attentiongan1(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> Scheme1Recipe:
    """AttentionGAN I's recipe (arXiv:1903.12296); ``paper`` has instance norm and attention-guided discriminators.

    ``networks`` replaces those that the options describe; with ``guided`` its discriminators must read attention.
    """
    shape, training = resolve("attentiongan1", PRESETS, preset, options, NetworkOptions, TrainingOptions)
    config = {"width": shape.width, "blocks": shape.blocks, "norm": shape.norm}
    discriminator: type[nn.Module] = PlainAndGuided if shape.guided else TowerDiscriminator
    discriminator_config: dict[str, Any] = {"width": shape.discriminator_width}
    discriminator_config |= {} if shape.guided else {"norm": shape.norm}
    discriminator_name = "plain-and-guided" if shape.guided else "attentiongan1"
    layout = None if networks else pairwise_layout("attentiongan1", config, discriminator_name, discriminator_config)
    made = networks or pairwise_networks(lambda: scheme1(**config), lambda: discriminator(**discriminator_config))
    return Scheme1Recipe(made, training, objective, shape.guided, layout, flattened(shape, training))


class Scheme1Recipe(EpochSchedule):
    """AttentionGAN I's training; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1].

    Losses carry their published names, unweighted but for ``loss_reg``: ``loss_GAN_A2B``, ``loss_cycle_ABA``,
    ``loss_pix_A`` and ``loss_reg_B`` belong to A2B. The release also translates each target, for no loss; that moves
    the running statistics of batch norm, so it is done where there is batch norm. ``objective`` is merged into the
    terms ``GAN``, ``reg``, ``cycle`` and ``pix``.
    """

    def __init__(
        self,
        networks: nn.ModuleDict,
        options: TrainingOptions,
        objective: Objective | None,
        guided: bool,
        layout: Layout | None,
        shown: Mapping[str, Any],
    ) -> None:
        self.networks, self.layout, self.options = networks, layout, dict(shown)
        self._options: TrainingOptions = options
        o = options
        default = {
            "GAN": (o.gan, adversarial),
            "reg": (o.variation, mask_variation),
            "cycle": (o.cycle, cycle),
            "pix": (o.pixel, pixel),
        }
        self.objective = merged(default, objective)
        self.rate = o.rate_first
        self._discriminators = DomainDiscriminators(networks, pool=o.pool, seed=o.seed, guided=guided)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for both discriminators."""
        o = self._options
        return pairwise_adam(self.networks, o.learning_rate, (o.beta1, o.beta2))

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        trips = self._translate(batch["A"], batch["B"])
        on_discriminators = {direction: values(self.objective, trip) for direction, trip in trips.items()}
        weighted = {
            f"{d}.{n}": self._weight(n) * value for d, terms in on_discriminators.items() for n, value in terms.items()
        }
        total = sum_of(weighted)
        update("G", total)
        losses = self._named(on_discriminators) | {"loss_G": total.detach()}
        fakes_a, fakes_b = (self._discriminators.pooled(d[-1], trips[d].fake) for d in ("B2A", "A2B"))
        del trips, on_discriminators, weighted, total
        loss_a = self._discriminators.loss("A", batch["A"], fakes_a)
        loss_d = 0.5 * (loss_a + self._discriminators.loss("B", batch["B"], fakes_b))
        update("D", loss_d)
        return losses | {"loss_D": loss_d.detach(), "rate": torch.full_like(loss_d, self.rate)}

    def _weight(self, name: str) -> float:
        return self.objective[name][0] * (1 - self.rate if name in ATTENTION_TERMS else self.rate)

    def _named(self, on_discriminators: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Terms under their published names; the mask's is recorded with its weight."""
        suffixes = {
            "A2B": {"cycle": "ABA", "pix": "A", "reg": "B"},
            "B2A": {"cycle": "BAB", "pix": "B", "reg": "A"},
        }
        return {
            f"loss_{name}_{suffixes[direction].get(name, direction)}": value.detach()
            * (self.objective[name][0] if name == "reg" else 1)
            for direction, terms in on_discriminators.items()
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
        o = self._options
        self.rate = o.rate_first if epoch < o.warmup_epochs else o.rate_later

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
