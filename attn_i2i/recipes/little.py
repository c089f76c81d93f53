"""What little data needs: discriminators that are shown changed images, and are held smooth. Any recipe may have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..interfaces import Recipe, Update
from ..losses import r1_penalty
from ..types import ConfigError
from .lens import ADAPTIVE, Lens, read_kinds
from .networks import uncompiled
from .wrapped import WrappedRecipe

APART = 2**40  # from the seed of the recipe inside, whose draws must not be those of the lens
MEASURED_EVERY = 4  # steps between two measurements of the discriminators, as Karras et al. have it


@dataclass(frozen=True)
class LittleDataOptions:
    """``augment`` changes what discriminators are shown of real images and of fakes alike.

    It names color, translation and cutout (Zhao et al., arXiv:2006.10738), separated by commas. With "adaptive" among
    them, or alone for all three, each change has a probability (Karras et al., arXiv:2006.06676). That follows the
    share of real images that discriminators know as real, less the share of others: above ``augment_target`` it rises,
    below it falls, by 1 over ``augment_images`` pictures. ``r1`` is gamma of the gradient penalty R1 (Mescheder et al.,
    arXiv:1801.04406), computed at every ``r1_every``-th update of a discriminator, that many times as heavy.
    """

    augment: str | None = None
    augment_target: float = 0.6
    # 4 % of the 260,000 pictures of CycleGAN's horses, where 500,000 are 2 % of StyleGAN2's 25,000,000.
    augment_images: int = 10_000
    r1: float | None = None
    r1_every: int = 1

    def checked(self, recipe: str, given: Mapping[str, Any]) -> LittleDataOptions:
        """The options, of which ``given`` were. Raises ConfigError for one out of its range or without effect."""
        adaptive = self.augment is not None and read_kinds(recipe, self.augment)[1]
        if not 0 < self.augment_target < 1 or self.augment_images < 1 or self.r1_every < 1:
            raise ConfigError(
                f"{recipe}: augment_target={self.augment_target}, augment_images={self.augment_images} and"
                f" r1_every={self.r1_every}: expected a number between 0 and 1, and whole numbers from 1 on."
            )
        for option, needed, there in (
            ("augment_target", "augment=adaptive", adaptive),
            ("augment_images", "augment=adaptive", adaptive),
            ("r1_every", "r1=1, say", bool(self.r1)),
        ):
            if option in given and not there:
                raise ConfigError(f"{recipe}: {option} was given without effect: it needs {needed}.")
        return self

    def stored(self) -> dict[str, Any]:
        """The options as a run stores them: those without effect are left out, so that older runs go on."""
        adaptive = self.augment is not None and ADAPTIVE in self.augment
        told = {"augment": True, "r1": True, "r1_every": bool(self.r1)}
        told |= {"augment_target": adaptive, "augment_images": adaptive}
        return {field.name: getattr(self, field.name) for field in fields(self) if told[field.name]}


class LittleDataRecipe(WrappedRecipe):
    """A recipe whose discriminators see through a `Lens`, with the penalty R1 on the losses that train them.

    A discriminator that reads a mask sees the mask moved and cut out as its image is. The penalty is of the
    discriminator and its lens together, in float32. ``boundary`` of the recipe inside is the logit halfway between
    real and fake. Losses get ``r1_A`` (without gamma) and, with an adaptive strength, ``augment_p`` and ``augment_r``.
    Raises ConfigError for a recipe that cannot be served.
    """

    def __init__(self, name: str, inner: Recipe, options: LittleDataOptions, seed: int) -> None:
        super().__init__(inner)
        self.name, self.little = name, options
        kinds, self.adaptive = ((), False) if options.augment is None else read_kinds(name, options.augment)
        self._check()
        self.chance, self._signs, self._pictures, self._steps = 0.0 if self.adaptive else 1.0, 0.0, 0, 0
        self._random = torch.Generator().manual_seed(seed + APART)
        self._lenses = {domain: Lens(kinds, self._random, self.chance) for domain in self.layout.discriminators}
        for domain, key in self.layout.discriminators.items():
            network: Any = self.networks[key]
            network.lens = self._lenses[domain]
            network.register_forward_pre_hook(network.lens.hook, with_kwargs=True)
        self._updates = dict.fromkeys(self._lenses, 0)
        self._trained_by: dict[str, set[str]] = {}

    def _check(self) -> None:
        if self.adaptive and self.boundary is None:
            raise ConfigError(
                f"{self.name}: augment={self.little.augment!r} needs discriminators that tell real from fake at one"
                " number, and this recipe's do not: name color, translation or cutout without adaptive."
            )

    def optimizers(self) -> dict[str, Optimizer]:
        """Those of the recipe inside; it is noted which of them train which discriminator."""
        optimizers = self.inner.optimizers()
        for domain, key in self.layout.discriminators.items():
            own = {id(parameter) for parameter in _looking(self.networks[key])}
            self._trained_by[domain] = {
                name
                for name, optimizer in optimizers.items()
                if any(id(p) in own for group in optimizer.param_groups for p in group["params"])
            }
        return optimizers

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """A step of the recipe inside."""
        if not self._trained_by:
            self.optimizers()
        penalties: dict[str, Tensor] = {}

        def penalised(optimizer: str, loss: Tensor) -> None:
            for domain in (domain for domain, names in self._trained_by.items() if optimizer in names):
                self._check_looks(domain)
                if self.little.r1 and self._is_turn(domain):
                    penalties[f"r1_{domain}"] = value = self._penalty(domain, batch)
                    loss = loss + 0.5 * self.little.r1 * self.little.r1_every * value
            update(optimizer, loss)

        losses = self.inner.step(batch, penalised)
        self._steps += 1
        told = {name: value.detach() for name, value in penalties.items()}
        return {**losses, **told, **(self._adapted(batch) if self.adaptive else {})}

    def _check_looks(self, domain: str) -> None:
        if not self._lenses[domain].looks:
            raise ConfigError(
                f"{self.name} does not call its discriminators as modules, so that augment and r1 cannot reach what"
                " they see: leave them out, or let the recipe call them through shown_to()."
            )

    def _is_turn(self, domain: str) -> bool:
        turn = self._updates[domain] % self.little.r1_every == 0
        self._updates[domain] += 1
        return turn

    def _penalty(self, domain: str, batch: Mapping[str, Tensor]) -> Tensor:
        network = self.networks[self.layout.discriminators[domain]]
        real, mask = self._seen(domain, batch)
        with torch.autocast(real.device.type, enabled=False), _same_buffers(network):
            return r1_penalty(lambda image: uncompiled(network)(image, mask), real)

    def _seen(self, domain: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """Real images, and the masks through which they were last looked at: these come before those of fakes."""
        real, mask = batch["image" if domain == "all" else domain], self._lenses[domain].mask
        if mask is None:
            return real, None
        count = min(len(real), len(mask))
        return real[:count], mask[:count].to(real.dtype)

    @torch.no_grad()
    def _adapted(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Move the probability every few steps, by what discriminators say of the real images as they see them."""
        if self._steps % MEASURED_EVERY:
            return {}
        signs = []
        for domain, key in self.layout.discriminators.items():
            network, (real, mask) = self.networks[key], self._seen(domain, batch)
            with _same_buffers(network):
                verdicts = network(real, mask)
            signs += [(verdict.logits - self.boundary).sign().float().mean() for verdict in verdicts]
            self._pictures += MEASURED_EVERY * len(real)
        share = torch.stack(signs).mean()
        direction = float((share - self.little.augment_target).sign()) if not share.is_meta else 0.0
        moved = direction * self._pictures / len(self._lenses) / self.little.augment_images
        self._pictures = 0
        self._set_chance(min(1.0, max(0.0, self.chance + moved)))
        return {"augment_p": torch.tensor(self.chance, device="cpu"), "augment_r": share}

    def _set_chance(self, chance: float) -> None:
        self.chance = chance
        for lens in self._lenses.values():
            lens.chance = chance

    def own_state(self) -> dict[str, Any]:
        """Draws, probability and turns."""
        counts = {"steps": self._steps, "updates": dict(self._updates), "chance": self.chance}
        return {"random": self._random.get_state(), **counts}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Continue where ``own_state`` was taken."""
        self._random.set_state(state["random"].cpu())
        self._steps, self._updates = state["steps"], dict(state["updates"])
        self._set_chance(state["chance"])


def shown_to(network: nn.Module, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """What a discriminator is shown of (B, C, H, W) and a mask, for recipes that call a method of it in its place."""
    lens: Lens | None = getattr(network, "lens", None)
    return (image, mask) if lens is None else lens(image, mask)


def _looking(network: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that a pass trains; submodules that only a recipe calls are left out."""
    apart = {id(p) for name in getattr(network, "auxiliary", ()) for p in network.get_submodule(name).parameters()}
    return (parameter for parameter in network.parameters() if id(parameter) not in apart)


@contextmanager
def _same_buffers(network: nn.Module) -> Iterator[None]:
    """A pass inside leaves no trace in running statistics and spectral norms: it works on copies.

    Writing the old values back would not do: graphs that wait for their backward pass hold the tensors themselves.
    """
    before = [(m, name, buffer) for m in network.modules() for name, buffer in m.named_buffers(recurse=False)]
    for module, name, buffer in before:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in before:
            setattr(module, name, buffer)
