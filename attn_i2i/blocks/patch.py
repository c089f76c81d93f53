"""PatchGAN discriminators (Isola et al., arXiv:1611.07004)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ..types import Verdict
from .resnet import Norm, make_norm, unit


class SwitchableNorm(nn.Module):
    """A norm that can be turned off while training goes on; its parameters stay."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.enabled = norm, True

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) if self.enabled else x


class PatchDiscriminator(nn.Module):
    """4x4 convolutions to one logit a patch: (B, C, H, W) to a single verdict.

    ``layers`` strided convolutions, then one of stride 1, widths doubling up to 8 * ``width``, then the logits;
    ``padding`` zeros before each. The first is normalised with ``norm_first`` only.

    >>> PatchDiscriminator(width=8)(torch.zeros(1, 3, 64, 64))[0].logits.shape
    torch.Size([1, 1, 6, 6])
    """

    def __init__(
        self,
        in_channels: int = 3,
        width: int = 64,
        layers: int = 3,
        *,
        norm: Norm = "instance",
        norm_first: bool = False,
        norm_switchable: bool = False,
        padding: int = 1,
    ) -> None:
        super().__init__()
        channels = [in_channels, *(width * min(2**i, 8) for i in range(layers + 1))]
        self.features = nn.Sequential()
        for i, (a, b) in enumerate(pairwise(channels)):
            conv = nn.Conv2d(a, b, 4, stride=2 if i < layers else 1, padding=padding)
            part = unit(conv, norm if i or norm_first else "none", b, nn.LeakyReLU(0.2, inplace=True))
            if norm_switchable:
                part.norm = SwitchableNorm(make_norm(norm if i or norm_first else "none", b))
            self.features.append(part)
        self.logits = nn.Conv2d(channels[-1], 1, 4, padding=padding)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (Verdict(self.logits(self.features(image))),)


def enable_norm(module: nn.Module, enabled: bool) -> None:
    """Turn every switchable norm inside ``module`` on or off.

    >>> discriminator = PatchDiscriminator(width=8, norm_switchable=True)
    >>> enable_norm(discriminator, False)
    """
    for part in module.modules():
        if isinstance(part, SwitchableNorm):
            part.enabled = enabled
