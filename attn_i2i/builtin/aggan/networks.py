"""A generator beside an attention network, and a discriminator that sees through the mask."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from ...blocks import (
    AttentionNetwork,
    ImageHead,
    PatchDiscriminator,
    ResnetTrunk,
    ThresholdMasked,
    TrunkAndHead,
    blend,
    transposed_up,
)
from ...blocks.resnet import Norm
from ...types import Translation


class AGGAN(nn.Module):
    """The whole image is translated, and shown where the source's own attention network looks (equation 1).

    ``attention_width`` is the attention network's width, ``attention_kernels`` its decoder's kernels: 1, 1, 1 in the
    release, 3, 3, 7 in the paper. ``norm`` is that of both networks, ``channels`` are those of the images.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        attention_width: int | None = None,
        attention_kernels: tuple[int, int, int] = (1, 1, 1),
        norm: Norm = "instance_affine",
        channels: int = 3,
    ) -> None:
        super().__init__()
        trunk = ResnetTrunk(
            width, blocks, in_channels=channels, norm=norm, padding="zeros", down_same=True, final_relu=True
        )
        up = partial(transposed_up, norm=norm, same=True)
        head = ImageHead(trunk.out_channels, trunk.stride, up=up, padding="zeros", out_channels=channels)
        self.generator = TrunkAndHead(trunk, head)
        attention = {"kernels": attention_kernels, "norm": norm, "in_channels": channels}
        self.attention = AttentionNetwork(attention_width or width, **attention)  # type: ignore[arg-type]
        self.channels = (channels, channels)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        attention = self.attention(image)
        contents = self.generator(image).image.unsqueeze(1)
        return Translation(blend(attention, contents, image), attention, contents)


def discriminator(
    width: int = 64, layers: int = 3, threshold: float = 0.1, norm: Norm = "instance_affine", channels: int = 3
) -> ThresholdMasked:
    """A PatchGAN over image * (mask >= threshold), whose norm and threshold the recipe switches after warm-up."""
    patch = PatchDiscriminator(channels, width, layers, norm=norm, norm_first=True, norm_switchable=True, padding=2)
    return ThresholdMasked(patch, threshold)
