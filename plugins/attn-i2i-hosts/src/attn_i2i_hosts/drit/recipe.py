"""How DRIT trains: two steps of three teach the content discriminator alone (arXiv:1905.01270, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from attn_i2i.interfaces import RoundTrip, Update
from attn_i2i.losses import cycle, identity
from attn_i2i.recipes import BaseRecipe, RecipeFactory, RecipeParts, shown_to, sum_of
from attn_i2i.types import ConfigError, Translation, Verdict
from torch import Tensor
from torch.optim import Adam, Optimizer

from ..attention import TOLD, hidden, mask_for, prepared, with_cams
from ..steps import BOUNDARY, cross_entropy, fooling, further, logged, told_apart, weight
from .discriminator import DRITDiscriminator
from .generator import DRIT
from .passes import OTHER, BothDirections, Made, encoded, run
from .training import ClippedAdam, DRITOptions, LongSchedule, linear, tied

TINY = 1e-5  # added to the ratio of mode seeking
UNDECIDED = 0.5  # what the content discriminator shall answer for either domain


class DRITRecipe(BaseRecipe):
    """A batch is ``A`` and ``B``, (B, C, H, W) in [-1, 1], two images or more of each; sides are multiples of 4.

    Its first half is translated; the second half is only what the discriminators of drawn attributes see of the true.
    Draws may be given beside them under the names of ``passes.run``, and ``full``, whether a step is a full one. Losses
    go by their published names, the generators' with their weights.
    """

    boundary = BOUNDARY

    def __init__(self, parts: RecipeParts[DRITOptions]) -> None:
        o = parts.training
        super().__init__(prepared(parts), LongSchedule(o.learning_rate, o.epochs, o.decay_from, o.decay))
        self._options = o
        self._place, self._length = 0, 0
        self._pairs = self._checked()
        a, b = self._pairs
        b.share = a.share
        if hasattr(a.decoder, "share"):
            b.decoder.share = a.decoder.share
        self._of("b").content = self._of("a").content
        self._twin: BothDirections | None = None

    def _checked(self) -> BothDirections:
        """Both directions, which with their discriminators must be DRIT's."""
        keys = self.layout.generators
        pair = [self.networks[keys[way]] for way in ("A2B", "B2A")]
        wrong = [m for m in pair if not isinstance(m, DRIT)]
        wrong += [m for d in "ab" if not isinstance(m := self._of(d), DRITDiscriminator)]
        if wrong:
            raise ConfigError(f"drit: one of the networks is a {type(wrong[0]).__name__}, expected DRIT's own.")
        return BothDirections(*cast(list[DRIT], pair))

    def _of(self, domain: str) -> Any:
        """The discriminators of a domain."""
        return self.networks[self.layout.discriminators[domain.upper()]]

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for contents and decoders, one for attributes, one for each of the five discriminators."""
        o = self._options
        main, attributes = self._parameters(self._pairs)
        options: dict[str, Any] = {"betas": (o.beta1, o.beta2), "weight_decay": o.weight_decay}

        def own(parameters: Sequence[Tensor], scale: float = 1.0) -> list[dict[str, Any]]:
            return [{"params": list(parameters), "lr": scale * o.learning_rate, "lr_scale": scale}]

        optimizers: dict[str, Optimizer] = {
            "G": Adam(own(main), **options),
            "attribute": Adam(own(attributes), **options),
        }
        for d in "ab":
            for name, part in ((f"D_{d.upper()}", "encoded"), (f"D_{d.upper()}2", "random")):
                parameters = list(getattr(self._of(d), part).parameters())
                optimizers[name] = Adam(own(parameters, o.discriminator_rate), **options)
        content = own(list(self._of("a").content.parameters()), o.content_rate)
        optimizers["D_content"] = ClippedAdam(cast(Any, content), limit=o.content_clip, **options)
        return optimizers

    @staticmethod
    def _parameters(pair: BothDirections) -> tuple[list[Tensor], list[Tensor]]:
        """Parameters of contents and decoders, and of attributes."""
        parts = (part for network in pair for part in (network.content, network.cam, network.share, network.decoder))
        main = tied(part for part in parts if part is not None)
        return list(main), list(tied(network.attribute for network in pair))

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """The rate of ``step``; being asked is also how the recipe learns which batch of how many comes next."""
        self._place, self._length = step % max(1, steps_per_epoch), steps_per_epoch
        return super().learning_rate(step, steps_per_epoch)

    def _is_full(self, batch: Mapping[str, Tensor]) -> bool:
        """Every ``d_iter``-th step, and the last two of an epoch."""
        place = self._place
        self._place += 1
        if "full" in batch:
            return bool(batch["full"])
        return (place + 1) % self._options.d_iter == 0 or (self._length > 0 and place >= self._length - 2)

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        images = {d: batch[d.upper()][: half(batch[d.upper()])] for d in "ab"}
        others = {d: batch[d.upper()][half(batch[d.upper()]) :] for d in "ab"}
        if not self._is_full(batch):
            with torch.no_grad():
                contents = {d: encoded(self._pairs, images[d], d, batch, f"noise_content_{d}")[0] for d in "ab"}
            return logged({"disContent_loss": self._learn_contents(contents, update)})
        pair = self._working()
        made, drawn = run(pair, images, batch, self._options.mode_seeking > 0)
        seen = self._discriminate(images, others, made, update)
        seen["disContent_loss"] = self._learn_contents({d: made[d].content.detach() for d in "ab"}, update)
        first, total = self._first(images, made)
        second = self._second(made, drawn)
        self._update(pair, total, sum_of(second), update)
        return logged(seen, first, {"G_loss": total}, second)

    def _working(self) -> BothDirections:
        """The networks that a full step runs: copies where the graph shall outlive the first update."""
        if not self._options.stale:
            return self._pairs
        if self._twin is None:
            self._twin = deepcopy(self._pairs)
        self._refresh(self._twin)
        return self._twin

    def _refresh(self, twin: BothDirections) -> None:
        """Give the copies the weights of now; a graph that holds them does not notice what is written to ``data``."""
        for copies, originals in zip(self._parameters(twin), self._parameters(self._pairs), strict=True):
            for copy, original in zip(copies, originals, strict=True):
                copy.data.copy_(original.detach())

    def _update(self, pair: BothDirections, first: Tensor, second: Tensor, update: Update) -> None:
        """Two updates of contents and decoders, one of attributes, from the one graph."""
        main, attributes = self._parameters(self._pairs)
        used, used_attributes = self._parameters(pair)
        gradients = torch.autograd.grad(first, [*used, *used_attributes], retain_graph=True, allow_unused=True)
        if not self._options.stale:
            later = torch.autograd.grad(second, used, allow_unused=True)
        update("G", linear(gradients[: len(main)], main))
        update("attribute", linear(gradients[len(main) :], attributes))
        if self._options.stale:
            self._refresh(pair)
            later = torch.autograd.grad(second, used, allow_unused=True)
        update("G", linear(later, main))

    def _discriminate(
        self, images: Mapping[str, Tensor], others: Mapping[str, Tensor], made: Mapping[str, Made], update: Update
    ) -> dict[str, Tensor]:
        """Update the four discriminators of pictures, each by itself."""
        losses = {}
        for d in "ab":
            network, name = self._of(d), d.upper()
            fakes = [made[d].random, *(other for other in (made[d].other,) if other is not None)]
            pairs = {"": [(images[d], made[d].fake)], "2": [(others[d], fake) for fake in fakes]}
            for suffix, compared in pairs.items():
                looks = [self._apart(network, real, fake, bool(suffix)) for real, fake in compared]
                losses[f"dis{name}{suffix}_loss"] = torch.stack(looks).sum()
                update(f"D_{name}{suffix}", losses[f"dis{name}{suffix}_loss"])
        return losses

    @staticmethod
    def _apart(network: Any, real: Tensor, fake: Translation, random: bool) -> Tensor:
        """Cross entropy of the verdicts on real images and on fakes, by the masks of those."""
        mask = hidden(mask_for(network, fake))
        if mask is not None:
            real = real[: len(mask)]  # the second half of an odd batch has one image more
        on_real, on_fake = (
            network.look(*shown_to(network, image, mask), random=random) for image in (real, fake.image.detach())
        )
        return told_apart(with_cams(on_real), 1.0) + told_apart(with_cams(on_fake), 0.0)

    def _learn_contents(self, contents: Mapping[str, Tensor], update: Update) -> Tensor:
        network = self._of("a").content
        loss = cross_entropy([network(contents["a"])], 0.0) + cross_entropy([network(contents["b"])], 1.0)
        update("D_content", loss)
        return loss

    def _first(self, images: Mapping[str, Tensor], made: Mapping[str, Made]) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted parts of the first update, and their sum with what a user added."""
        o = self._options
        losses: dict[str, Tensor] = {}
        trips: dict[str, RoundTrip] = {}
        for d in "ab":
            verdicts = self._seen(d, made[d].fake, random=False)
            other = OTHER[d]
            trip = RoundTrip(images[other], images[d], made[d].fake, made[other].back, made[d].same, verdicts)
            trips[d] = trip
            content, name = made[d].content, d.upper()
            losses[f"gan_loss_{d}"] = self._weighted("adversarial", trip)
            undecided = cross_entropy([self._of(d).content(content)], UNDECIDED)
            losses[f"gan_loss_{d}content"] = o.content_adversarial * undecided
            losses[f"kl_loss_za_{d}"] = o.kl_attribute * attribute_loss(made[d])
            losses[f"kl_loss_zc_{d}"] = o.kl_content * content.square().mean()
            losses[f"l1_recon_{other.upper()}_loss"] = self._weighted("cycle", trip)
            losses[f"l1_recon_{name}{name}_loss"] = self._weighted("identity", trip)
        added = further(self.objective, trips)
        return losses | added, sum_of(losses | added)

    def _second(self, made: Mapping[str, Made], drawn: Sequence[Tensor]) -> dict[str, Tensor]:
        """The weighted parts of the second update: drawn attributes fool, are found again, and differ in pictures."""
        o = self._options
        losses: dict[str, Tensor] = {}
        for d in "ab":
            random, other = made[d].random, made[d].other
            fakes = [fake for fake in (random, other) if fake is not None]
            looks = [told_apart(self._seen(d, fake, random=True), 1.0) for fake in fakes]
            losses[f"gan2_loss_{d}"] = weight(self.objective, "adversarial") * torch.stack(looks).sum()
            losses[f"l1_recon_z_loss_{d}"] = o.latent * (made[d].found - drawn[0]).abs().mean()
            if other is not None:
                moved = (other.image - random.image).abs().mean() / (drawn[1] - drawn[0]).abs().mean()
                losses[f"lz_{OTHER[d].upper()}{d.upper()}"] = o.mode_seeking / (moved + TINY)
        return losses

    def _seen(self, domain: str, fake: Translation, *, random: bool) -> tuple[Verdict, ...]:
        """Verdicts of one of a domain's two discriminators."""
        network = self._of(domain)
        return with_cams(network.look(*shown_to(network, fake.image, mask_for(network, fake)), random=random))

    def _weighted(self, name: str, trip: RoundTrip) -> Tensor:
        """One of the published terms, 0 where the objective has none of this name."""
        if name not in self.objective:
            return trip.source.new_zeros(())
        factor, term = self.objective[name]
        return factor * term(trip)

    def state_dict(self) -> dict[str, Any]:
        return {"place": self._place, "length": self._length}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._place, self._length = state["place"], state["length"]


def half(images: Tensor) -> int:
    """How many images of a batch are translated. Raises ConfigError for a batch of one."""
    if len(images) < 2:
        raise ConfigError("DRIT trains on batches of two images or more of each domain: set batch_size=2 or more.")
    return len(images) // 2


def attribute_loss(made: Made) -> Tensor:
    """KL divergence of an attribute's distribution from N(0, 1), summed, or the mean of its squares without one."""
    attribute = made.attribute
    if attribute.mean is None or attribute.log_variance is None:
        return attribute.value.square().mean()
    mean, log_variance = attribute.mean, attribute.log_variance
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()


drit = RecipeFactory(
    name="drit",
    summary="DRIT++ (arXiv:1905.01270): contents that no one can tell apart, attributes that can be drawn.",
    loop=DRITRecipe,
    training=DRITOptions,
    generator="drit",
    discriminator="drit",
    objective={"adversarial": (1.0, fooling), "identity": (10.0, identity), "cycle": (10.0, cycle)},
    presets={"clean": {}, "released": {"stale": True}},
    initial="torch",
    told=("width", *TOLD),
    preset="clean",
)
