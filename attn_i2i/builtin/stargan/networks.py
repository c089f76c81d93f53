"""StarGAN's generator and its discriminator with a patch and a class head."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from ...blocks import HeadFactory, ImageHead, ResnetTrunk, TrunkAndHead, make_head, transposed_up
from ...blocks.resnet import Norm, Up
from ...types import ConfigError, ShapeError, Verdict


def labelled_trunk(width: int, blocks: int, inputs: int, norm: Norm) -> ResnetTrunk:
    """The trunk of images and labels, together ``inputs`` channels: zero padding, 4x4 strided convolutions, no bias."""
    return ResnetTrunk(width, blocks, in_channels=inputs, norm=norm, padding="zeros", down_kernel=4, bias=False)


def step_up(norm: Norm) -> Up:
    """Twice the height and width by a 4x4 transposed convolution without a bias."""
    return partial(transposed_up, kernel=4, norm=norm, bias=False)


PUBLISHED_HEAD = partial(ImageHead, up=step_up("instance_affine"), padding="zeros", bias=False)


def generator(
    width: int = 64,
    blocks: int = 6,
    domains: int = 5,
    head: HeadFactory = PUBLISHED_HEAD,
    norm: Norm = "instance_affine",
    channels: int = 3,
) -> TrunkAndHead:
    """StarGAN's generator (arXiv:1711.09020, table 4): image and target label in, image out.

    ``head`` names a registered head, such as "softmax", in place of the published one. ``norm`` is the trunk's then,
    and the head has its own.
    """
    trunk = labelled_trunk(width, blocks, channels + domains, norm)
    if head is PUBLISHED_HEAD:
        head = partial(PUBLISHED_HEAD, up=step_up(norm))
    return TrunkAndHead(trunk, make_head(head, trunk, channels), domains)


class StarGANDiscriminator(nn.Module):
    """Classifies patches as real or fake, and the whole image's domain (arXiv:1711.09020, table 5).

    (B, C, image_size, image_size) to logits (B, 1, s, s) with s = image_size // 2**layers, and class logits
    (B, domains). Other sizes with the same s do as well.
    """

    def __init__(
        self, width: int = 64, layers: int = 6, domains: int = 5, image_size: int = 128, channels: int = 3
    ) -> None:
        super().__init__()
        if image_size < 2**layers:
            raise ConfigError(f"image_size={image_size} must be at least {2**layers} for {layers} layers.")
        widths = [channels, *(width * 2**i for i in range(layers))]
        self.channels, self.image_size = channels, image_size
        self.features = nn.Sequential()
        for a, b in pairwise(widths):
            self.features.append(nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)))
        self.logits = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.classes = nn.Conv2d(widths[-1], domains, image_size >> layers, bias=False)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        layers = len(self.features)  # each halves a side and rounds down
        if any(side >> layers != self.image_size >> layers for side in image.shape[-2:]):
            raise ShapeError(
                f"This discriminator was built for {self.image_size}x{self.image_size} images,"
                f" got {tuple(image.shape[-2:])}."
            )
        features = self.features(image)
        return (Verdict(self.logits(features), class_logits=self.classes(features).flatten(1)),)
