"""How MUNIT trains: two auto-encoders, their halves exchanged (arXiv:1804.04732, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attn_i2i import Translation
from attn_i2i.interfaces import RoundTrip
from attn_i2i.losses import adversarial, cam, cycle, identity
from attn_i2i.recipes import RecipeFactory, RecipeParts
from torch import Tensor

from ..attention import TOLD
from ..steps import draw, weight
from ..unit.training import CodeOptions, CodeRecipe
from .generator import MUNIT


@dataclass(frozen=True)
class MUNITOptions(CodeOptions):
    """``content`` and ``style`` are weights of the codes that come back."""

    content: float = 1.0
    style: float = 1.0


class MUNITRecipe(CodeRecipe):
    """As ``CodeRecipe``. Random styles are ``style_dis_a``, ``style_dis_b``, ``style_gen_a`` and ``style_gen_b``.

    In a round trip ``same`` is the target, encoded and decoded in its own style. ``back`` is the source, decoded from
    the fake's content in its own style; it is made only if a term may read it.
    """

    needs = MUNIT

    def __init__(self, parts: RecipeParts[MUNITOptions]) -> None:
        super().__init__(parts)
        self._returns = any(term not in (adversarial, identity, cam) for _, term in self.objective.values())

    def _style(self, batch: Mapping[str, Tensor], name: str, domain: str, image: Tensor) -> Tensor:
        return draw(batch, name, self._into(domain).prior(image)).flatten(1)

    def _fakes(self, batch: Mapping[str, Tensor]) -> dict[str, Translation]:
        fakes = {}
        for source, target in ("ba", "ab"):
            image = batch[source.upper()]
            style = self._style(batch, f"style_dis_{target}", target, image)
            fakes[target] = self._into(target).decode(self._from(source).attend(image).features, style, image)
        return fakes

    def _generate(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, RoundTrip]]:
        images = {domain: batch[domain.upper()] for domain in "ab"}
        codes = {domain: self._from(domain).attend(images[domain]) for domain in "ab"}
        contents = {domain: code.features for domain, code in codes.items()}
        styles = {domain: self._into(domain).style_of(images[domain]) for domain in "ab"}
        again = {domain: self._into(domain).decode(contents[domain], styles[domain], images[domain]) for domain in "ab"}
        parts, trips = {}, {}
        for source, target in ("ba", "ab"):
            style = self._style(batch, f"style_gen_{target}", target, images[source])
            fake = codes[source].told(self._into(target).decode(contents[source], style, images[source]))
            content = self._from(target).attend(fake.image).features
            back = self._into(source).decode(content, styles[source], fake.image) if self._returns else fake
            same = self._same(source, images[target], again[target])
            trip = RoundTrip(images[source], images[target], fake, back, same, self._seen(target, fake))
            trips[target] = trip
            parts[f"loss_gen_adv_{target}"] = self._term("adversarial", trip)
            parts[f"loss_gen_recon_x_{target}"] = self._term("identity", trip)
            parts[f"loss_gen_recon_c_{source}"] = distance(content, contents[source])
            parts[f"loss_gen_recon_s_{target}"] = distance(self._into(target).style_of(fake.image), style)
            parts[f"loss_gen_cycrecon_x_{source}"] = self._term("cycle", trip)
            parts[f"loss_gen_vgg_{target}"] = self._features(fake.image, images[source])
        return parts, trips

    def _weights(self) -> dict[str, float]:
        o = self._rates
        assert isinstance(o, MUNITOptions)
        return {
            "loss_gen_adv": weight(self.objective, "adversarial"),
            "loss_gen_recon_x": weight(self.objective, "identity"),
            "loss_gen_cycrecon_x": weight(self.objective, "cycle"),
            "loss_gen_recon_c": o.content,
            "loss_gen_recon_s": o.style,
            "loss_gen_vgg": o.perceptual,
        }


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (one - other).abs().mean()


munit = RecipeFactory(
    name="munit",
    summary="MUNIT (arXiv:1804.04732): images, contents and styles come back, in several scales.",
    loop=MUNITRecipe,
    training=MUNITOptions,
    generator="munit",
    discriminator="munit",
    objective={"adversarial": (1.0, adversarial), "identity": (10.0, identity), "cycle": (0.0, cycle)},
    presets={"released": {}, "street": {"perceptual": 1.0}},
    initial="kaiming",
    told=TOLD,
)
