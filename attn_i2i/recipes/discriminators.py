"""The discriminators of two domains, and the fakes they are trained on."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..losses import discriminator_lsgan
from ..masks import foreground
from ..types import Translation, Verdict
from .networks import discriminate_together, frozen
from .pool import ImagePool


class DomainDiscriminators:
    """``D_A`` and ``D_B`` of ``networks``, where D_x looks at domain x, each with a pool of ``pool`` fakes.

    A discriminator that advertises ``masked`` also reads the foreground mask of the fake, for the fake and for the real
    image (AttentionGAN, arXiv:1911.11897, section 3.3). The pools then keep fakes with their masks.
    """

    def __init__(self, networks: nn.ModuleDict, *, pool: int, seed: int) -> None:
        self.networks = networks
        self.guided = any(getattr(networks[f"D_{domain}"], "masked", False) for domain in "AB")
        self.pools = {domain: ImagePool(pool, seed + i) for i, domain in enumerate("AB")}

    def verdicts(self, domain: str, fake: Translation) -> tuple[Verdict, ...]:
        """What the discriminator of ``domain`` says of ``fake``, with gradients for the fake only."""
        discriminator = self.networks[f"D_{domain}"]
        with frozen(discriminator):
            verdicts: tuple[Verdict, ...] = discriminator(fake.image, self._mask(fake))
        return verdicts

    def pooled(self, domain: str, fake: Translation) -> tuple[Tensor, ...]:
        """Fakes from the pool, cut from the graph, followed by their masks where guided."""
        mask = self._mask(fake)
        return self.pools[domain](fake.image, *([] if mask is None else [mask]))

    def loss(self, domain: str, real: Tensor, pooled: tuple[Tensor, ...]) -> Tensor:
        """The LSGAN loss of the discriminator of ``domain``, halved as published."""
        fake, *mask = pooled
        masks = (mask[0], mask[0]) if mask else None
        return discriminator_lsgan(*discriminate_together(self.networks[f"D_{domain}"], real, fake, masks))

    def state_dict(self) -> dict[str, Any]:
        return {name: pool.state_dict() for name, pool in self.pools.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, pool in self.pools.items():
            pool.load_state_dict(state[name])

    def _mask(self, fake: Translation) -> Tensor | None:
        return foreground(fake) if self.guided else None
