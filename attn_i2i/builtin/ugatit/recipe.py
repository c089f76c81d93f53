"""How U-GAT-IT trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...blocks import LIN, AdaLIN
from ...interfaces import Objective, RoundTrip, Term, Update
from ...losses import cam, cycle, identity, lsgan, merged, values
from ...recipes import (
    Layout,
    Presets,
    StepSchedule,
    flattened,
    frozen,
    pairwise_adam,
    pairwise_layout,
    pairwise_networks,
    resolve,
    split,
    sum_of,
    translate_together,
)
from ...types import ConfigError, Verdict
from .discriminator import UGATITDiscriminator
from .generator import UGATITGenerator

PRESETS: Presets = {"released": {}, "paper": {"initial": "normal"}}
SCALES = "GL"


@dataclass(frozen=True)
class NetworkOptions:
    """``light`` generators take any size, full ones ``image_size`` only; ``initial`` is "torch" or "normal" (0.02)."""

    width: int = 64
    blocks: int = 4
    light: bool = False
    image_size: int = 256
    discriminator_width: int = 64
    discriminator_global_layers: int = 7
    discriminator_local_layers: int = 5
    initial: str = "torch"


@dataclass(frozen=True)
class TrainingOptions:
    """``adversarial``, ``cycle``, ``identity`` and ``cam`` are weights; the rate falls over half of ``steps``."""

    adversarial: float = 1.0
    cycle: float = 10.0
    identity: float = 10.0
    cam: float = 1000.0
    learning_rate: float = 1e-4
    beta1: float = 0.5
    beta2: float = 0.999
    weight_decay: float = 1e-4
    steps: int = 1_000_000

    @property
    def decay_steps(self) -> int:
        """The second half."""
        return self.steps // 2


def ugatit(
    networks: nn.ModuleDict | None = None,
    *,
    preset: str = "released",
    objective: Objective | None = None,
    **options: Any,
) -> UGATITRecipe:
    """U-GAT-IT's recipe (arXiv:1907.10830), light or full; the paper draws the first weights from N(0, 0.02).

    ``networks`` replaces those that the options describe.
    """
    shape, training = resolve("ugatit", PRESETS, preset, options, NetworkOptions, TrainingOptions)
    config = {name: getattr(shape, name) for name in ("width", "blocks", "light", "image_size")}
    discriminator_config = {
        "width": shape.discriminator_width,
        "global_layers": shape.discriminator_global_layers,
        "local_layers": shape.discriminator_local_layers,
    }
    layout = None if networks else pairwise_layout("ugatit", config, "ugatit", discriminator_config)
    if shape.initial not in ("torch", "normal"):
        raise ConfigError(f"ugatit: initial={shape.initial!r} was given, expected 'torch' or 'normal'.")
    make, make_discriminator = partial(UGATITGenerator, **config), partial(UGATITDiscriminator, **discriminator_config)
    made = networks or pairwise_networks(make, make_discriminator, std=0.02 if shape.initial == "normal" else None)
    return UGATITRecipe(made, training, objective, layout, flattened(shape, training))


def fooled(scale: int) -> Term:
    """The LSGAN loss of the generator at one scale of the discriminator."""
    return lambda trip: lsgan(trip.verdicts[scale].logits, True)


def fooled_cam(scale: int) -> Term:
    """The LSGAN loss of the generator on the CAM logits of one scale."""
    return lambda trip: lsgan(_cam_logits(trip.verdicts[scale]), True)


class UGATITRecipe(StepSchedule):
    """U-GAT-IT's training; a batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1].

    The discriminators are updated first, on fresh fakes that serve the generators' update too; each generator pass
    also translates the target. Spectral norm iterates once a published pass: real, fake, and fake again for the
    generators. rho is clipped to [0, 1] after each generator update. Losses carry their published names, unweighted;
    those that end in A concern the domain A, ``G_recon_loss_A`` its return. ``objective`` is merged into the terms
    ``ad_loss_G``, ``ad_cam_loss_G``, ``ad_loss_L``, ``ad_cam_loss_L``, ``recon_loss``, ``identity_loss``, ``cam_loss``.
    """

    def __init__(
        self,
        networks: nn.ModuleDict,
        options: TrainingOptions,
        objective: Objective | None,
        layout: Layout | None,
        shown: Mapping[str, Any],
    ) -> None:
        self.networks, self.layout, self.options = networks, layout, dict(shown)
        self._options: TrainingOptions = options
        o = options
        default: dict[str, tuple[float, Term]] = {}
        for index, scale in enumerate(SCALES):
            default[f"ad_loss_{scale}"] = (o.adversarial, fooled(index))
            default[f"ad_cam_loss_{scale}"] = (o.adversarial, fooled_cam(index))
        default["recon_loss"] = (o.cycle, cycle)
        default["identity_loss"] = (o.identity, identity)
        default["cam_loss"] = (o.cam, cam)
        self.objective = merged(default, objective)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators, one for all discriminators, with L2 weight decay."""
        o = self._options
        return pairwise_adam(self.networks, o.learning_rate, (o.beta1, o.beta2), o.weight_decay)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        a, b = batch["A"], batch["B"]
        n = self.networks
        fake_b, same_b = translate_together(n["G_A2B"], a, b)
        fake_a, same_a = translate_together(n["G_B2A"], b, a)
        on_discriminators = self._discriminator_losses(n["D_A"], "A", a, fake_a.image) | self._discriminator_losses(
            n["D_B"], "B", b, fake_b.image
        )
        discriminator_total = self._options.adversarial * sum_of(on_discriminators)
        update("D", discriminator_total)
        losses = {name: value.detach() for name, value in on_discriminators.items()}
        losses["Discriminator_loss"] = discriminator_total.detach()
        del on_discriminators, discriminator_total
        with frozen(n["D_A"], n["D_B"]):
            verdicts_a, verdicts_b = n["D_A"](fake_a.image), n["D_B"](fake_b.image)
        back_a, back_b = n["G_B2A"](fake_b.image), n["G_A2B"](fake_a.image)
        terms = {
            "A": values(self.objective, RoundTrip(b, a, fake_a, back_b, same_a, verdicts_a)),
            "B": values(self.objective, RoundTrip(a, b, fake_b, back_a, same_b, verdicts_b)),
        }
        total = sum_of({f"{d}.{k}": self.objective[k][0] * v for d, parts in terms.items() for k, v in parts.items()})
        update("G", total)
        clip_rho(n["G_A2B"], n["G_B2A"])
        return losses | self._named(terms) | {"Generator_loss": total.detach()}

    @staticmethod
    def _discriminator_losses(network: nn.Module, domain: str, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        verdicts = network(torch.cat([real, fake.detach()]), passes=2)
        losses = {}
        for scale, verdict in zip(SCALES, verdicts, strict=True):
            on_real, on_fake = split(verdict, [len(real), len(fake)])
            losses[f"D_ad_loss_{scale}{domain}"] = lsgan(on_real.logits, True) + lsgan(on_fake.logits, False)
            real_cam, fake_cam = _cam_logits(on_real), _cam_logits(on_fake)
            losses[f"D_ad_cam_loss_{scale}{domain}"] = lsgan(real_cam, True) + lsgan(fake_cam, False)
        return losses

    @staticmethod
    def _named(terms: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Terms under their published names: scales take the domain at once, others after an underscore."""
        other = {"A": "B", "B": "A"}
        named = {}
        for domain, parts in terms.items():
            for term, value in parts.items():
                of = other[domain] if term == "recon_loss" else domain
                named[f"G_{term}{of}" if term.startswith("ad_") else f"G_{term}_{of}"] = value.detach()
        return named

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The networks are all there is to restore."""


@torch.no_grad()
def clip_rho(*generators: nn.Module) -> None:
    """Bring every AdaLIN's and LIN's rho back to [0, 1] (section 2.1.1)."""
    for generator in generators:
        for part in generator.modules():
            if isinstance(part, AdaLIN | LIN):
                part.rho.clamp_(0, 1)


def _cam_logits(verdict: Verdict) -> Tensor:
    assert verdict.cam_logits is not None
    return verdict.cam_logits
