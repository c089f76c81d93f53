"""DRIT's discriminators of one domain, and the one of contents."""

from __future__ import annotations

from itertools import pairwise

from attn_i2i import Verdict
from attn_i2i.blocks import CAM
from attn_i2i.types import ConfigError, ShapeError
from torch import Tensor, nn

from ..attention import SLOPE as CAM_SLOPE
from ..unit.discriminator import MultiScaleDiscriminator, verdicts_of
from ..unit.parts import reflecting
from .generator import DEVIATION
from .parts import SLOPE

SMALLEST = 64  # of which six halvings leave one place


class SingleScale(nn.Module):
    """Six halving 3x3 convolutions and one logit a place, for ``scales`` 1: (B, C, H, W), sides from 64 on.

    ``guided`` and ``cam`` as in `MultiScaleDiscriminator`.
    """

    def __init__(self, width: int, in_channels: int, guided: bool = False, cam: bool = False) -> None:
        super().__init__()
        self.masked = guided
        channels = [in_channels + guided, *(width * 2**i for i in range(6))]
        parts: list[nn.Module] = []
        for a, b in pairwise(channels):
            parts += [reflecting(a, b, 3, 2), nn.LeakyReLU(SLOPE)]
        self.scales = nn.ModuleList([nn.Sequential(*parts, nn.Conv2d(channels[-1], 1, 1))])
        self.cams = nn.ModuleList(CAM(channels[-1], slope=CAM_SLOPE) for _ in range(cam))

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        if min(image.shape[2:]) < SMALLEST:
            raise ShapeError(f"DRIT's discriminator needs sides of {SMALLEST}, got {tuple(image.shape[2:])}.")
        return verdicts_of(self, image, attention)


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
                f" {tuple(4 * side for side in content.shape[2:])}: train on larger ones, or with fewer"
                " discriminator_content_layers, such as 1 from 44 pixels on."
            )
        return super().forward(content)


class DRITDiscriminator(nn.Module):
    """Two discriminators of pictures of one domain, (B, C, H, W) in [-1, 1], and the one of contents.

    ``encoded`` looks at translations with the attribute of a picture, ``random`` at translations with a drawn
    attribute. Their verdicts come in this order, ``scales`` of each. Both domains share one ``content``, for contents
    of generators of ``content_width``, by default ``width``.

    ``guided`` they also read the mask that made a fake, for real images too. With ``cam`` each scale has a CAM before
    its last convolution. The discriminator of contents has neither.
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
        guided: bool = False,
        cam: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.masked = in_channels, guided
        if scales < 1:
            raise ConfigError(f"DRIT's discriminator: scales={scales} was given, expected 1 or more.")

        def of_pictures() -> nn.Module:
            if scales == 1:
                return SingleScale(width, in_channels, guided, cam)
            return MultiScaleDiscriminator(
                width, 4, scales, in_channels=in_channels, slope=SLOPE, guided=guided, cam=cam
            )

        self.encoded, self.random = of_pictures(), of_pictures()
        self.content = ContentDiscriminator(4 * (content_width or width), content_layers)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, 0.0, DEVIATION)

    def look(self, image: Tensor, attention: Tensor | None = None, *, random: bool) -> tuple[Verdict, ...]:
        """The verdicts of one of the two, by scale."""
        verdicts: tuple[Verdict, ...] = (self.random if random else self.encoded)(image, attention)
        return verdicts

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (*self.look(image, attention, random=False), *self.look(image, attention, random=True))
