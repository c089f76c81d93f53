"""How UNIT trains: two autoencoders whose noisy latents also go there and back (arXiv:1703.00848, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attn_i2i import Translation
from attn_i2i.interfaces import RoundTrip
from attn_i2i.losses import adversarial, cycle, identity
from attn_i2i.recipes import RecipeFactory
from torch import Tensor

from ..attention import TOLD
from ..steps import draw, weight
from .generator import UNIT
from .training import CodeOptions, CodeRecipe, square


@dataclass(frozen=True)
class UNITOptions(CodeOptions):
    """``latent`` and ``latent_cycle`` are weights of the latents' squares, of pictures and of translations."""

    latent: float = 0.01
    latent_cycle: float = 0.01


class UNITRecipe(CodeRecipe):
    """As ``CodeRecipe``. Every latent is decoded with unit noise.

    The noises of the discriminators' pass are ``noise_dis_a`` and ``noise_dis_b``. In the generators' pass
    ``noise_gen_a`` and ``noise_gen_b`` serve pictures that are decoded into their own domain and into the other.
    ``noise_gen_a_again`` and ``noise_gen_b_again`` serve the way back to a and to b.
    """

    needs = UNIT

    def _fakes(self, batch: Mapping[str, Tensor]) -> dict[str, Translation]:
        fakes = {}
        for source, target in ("ba", "ab"):
            image = batch[source.upper()]
            latent = self._from(source).attend(image).features
            noise = draw(batch, f"noise_dis_{source}", latent)
            fakes[target] = self._into(target).decode(latent + noise, image)
        return fakes

    def _generate(self, batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, RoundTrip]]:
        images = {domain: batch[domain.upper()] for domain in "ab"}
        codes = {domain: self._from(domain).attend(images[domain]) for domain in "ab"}
        latents = {domain: code.features for domain, code in codes.items()}
        noisy = {domain: latents[domain] + draw(batch, f"noise_gen_{domain}", latents[domain]) for domain in "ab"}
        again = {domain: self._into(domain).decode(noisy[domain], images[domain]) for domain in "ab"}
        parts, trips = {}, {}
        for source, target in ("ba", "ab"):
            fake = codes[source].told(self._into(target).decode(noisy[source], images[source]))
            latent = self._from(target).attend(fake.image).features
            noise = draw(batch, f"noise_gen_{source}_again", latent)
            back = self._into(source).decode(latent + noise, fake.image)
            same = self._same(source, images[target], again[target])
            trip = RoundTrip(images[source], images[target], fake, back, same, self._seen(target, fake))
            trips[target] = trip
            parts[f"loss_gen_adv_{target}"] = self._term("adversarial", trip)
            parts[f"loss_gen_recon_x_{target}"] = self._term("identity", trip)
            parts[f"loss_gen_recon_kl_{source}"] = square(latents[source])
            parts[f"loss_gen_cyc_x_{source}"] = self._term("cycle", trip)
            parts[f"loss_gen_recon_kl_cyc_{source}{target}{source}"] = square(latent)
            parts[f"loss_gen_vgg_{target}"] = self._features(fake.image, images[source])
        return parts, trips

    def _weights(self) -> dict[str, float]:
        o = self._rates
        assert isinstance(o, UNITOptions)
        return {
            "loss_gen_adv": weight(self.objective, "adversarial"),
            "loss_gen_recon_x": weight(self.objective, "identity"),
            "loss_gen_cyc_x": weight(self.objective, "cycle"),
            "loss_gen_recon_kl": o.latent,
            "loss_gen_recon_kl_cyc": o.latent_cycle,
            "loss_gen_vgg": o.perceptual,
        }


unit = RecipeFactory(
    name="unit",
    summary="UNIT (arXiv:1703.00848): pictures come back from one noisy latent space, in several scales.",
    loop=UNITRecipe,
    training=UNITOptions,
    generator="unit",
    discriminator="munit",
    objective={"adversarial": (1.0, adversarial), "identity": (10.0, identity), "cycle": (10.0, cycle)},
    presets={"released": {}, "street": {"perceptual": 1.0}},
    initial="kaiming",
    told=TOLD,
)
