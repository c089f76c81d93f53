"""DRIT's discriminators of one domain, and the one of contents."""

from __future__ import annotations

from itertools import pairwise

from attn_i2i import Verdict
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from ..unit.discriminator import MultiScaleDiscriminator
from ..unit.parts import reflecting
from .generator import DEVIATION
from .parts import SLOPE


class SingleScale(nn.Sequential):
    """Six halving 3x3 convolutions and one logit a place, for ``scales`` 1."""

    def __init__(self, width: int, in_channels: int) -> None:
        channels = [in_channels, *(width * 2**i for i in range(6))]
        parts: list[nn.Module] = []
        for a, b in pairwise(channels):
            parts += [reflecting(a, b, 3, 2), nn.LeakyReLU(SLOPE)]
        super().__init__(*parts, nn.Conv2d(channels[-1], 1, 1))


class ContentDiscriminator(nn.Sequential):
    """Tells from which domain a content comes: (B, C, h, w) to (B, 1, h', w') logits of domain B.

    ``layers`` halving convolutions; the three of the release need sides of 53, pictures of 212 that is.
    """

    def __init__(self, channels: int, layers: int = 3) -> None:
        parts: list[nn.Module] = []
        minimum = 4
        for _ in range(layers):
            conv = nn.Conv2d(channels, channels, 7, 2, 1, padding_mode="reflect")
            parts += [conv, nn.LeakyReLU(SLOPE)]
            minimum = 2 * minimum + 3
        last = nn.Conv2d(channels, channels, 4)
        super().__init__(*parts, last, nn.LeakyReLU(SLOPE), nn.Conv2d(channels, 1, 1))
        self.minimum = minimum

    def forward(self, content: Tensor) -> Tensor:
        if min(content.shape[2:]) < self.minimum:
            raise ShapeError(
                f"DRIT's content discriminator needs pictures of {4 * self.minimum} pixels, got"
                f" {tuple(4 * side for side in content.shape[2:])}: train on larger ones, or with content_layers=2."
            )
        return super().forward(content)


class DRITDiscriminator(nn.Module):
    """Two discriminators of pictures of one domain, (B, C, H, W) in [-1, 1], and the one of contents.

    ``encoded`` looks at translations with the attribute of a picture, ``random`` at translations with a drawn
    attribute. Their verdicts come in this order, ``scales`` of each. Both domains share one ``content``, for contents
    of generators of ``content_width``, by default ``width``.
    """

    auxiliary = ("content",)

    def __init__(
        self,
        width: int = 64,
        *,
        scales: int = 3,
        in_channels: int = 3,
        content_width: int | None = None,
        content_layers: int = 3,
    ) -> None:
        super().__init__()
        self.channels = in_channels
        if scales < 1:
            raise ConfigError(f"DRIT's discriminator: scales={scales} was given, expected 1 or more.")

        def of_pictures() -> nn.Module:
            if scales == 1:
                return SingleScale(width, in_channels)
            return MultiScaleDiscriminator(width, 4, scales, in_channels=in_channels, slope=SLOPE)

        self.encoded, self.random = of_pictures(), of_pictures()
        self.content = ContentDiscriminator(4 * (content_width or width), content_layers)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, 0.0, DEVIATION)

    def look(self, image: Tensor, *, random: bool) -> tuple[Tensor, ...]:
        """The logits of one of the two, by scale."""
        if min(image.shape[2:]) < 64 and isinstance(self.encoded, SingleScale):
            raise ShapeError(f"DRIT's discriminator needs sides of 64, got {tuple(image.shape[2:])}.")
        answer = (self.random if random else self.encoded)(image)
        return (answer,) if isinstance(answer, Tensor) else tuple(verdict.logits for verdict in answer)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return tuple(Verdict(logits) for random in (False, True) for logits in self.look(image, random=random))
