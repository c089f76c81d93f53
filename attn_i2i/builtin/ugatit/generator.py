"""U-GAT-IT's generator in both releases."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

from ...blocks import CAM, LIN, AdaLINResBlock, ResBlock, ResnetTrunk, StyleMLP, crop, pad_to_multiple
from ...blocks.convolution import Conv2d, UpConv2d
from ...blocks.resnet import make_norm
from ...types import ConfigError, ShapeError, Translation

Release = Literal["pytorch", "tensorflow"]
Decoder = Literal["adalin", "adain", "instance", "ln", "lin", "bin", "batch"]
STEERED = ("adalin", "adain")  # the norms whose gamma and beta the MLP makes


def _block(channels: int, norm: Decoder, tf: bool, rho_shift: float) -> nn.Module:
    """A residual block of the decoder; steered norms take gamma and beta beside the features."""
    if norm == "adalin" or norm == "adain":
        return AdaLINResBlock(channels, bias=tf, unbiased=not tf, rho_shift=rho_shift, norm=norm)
    return ResBlock(channels, norm=norm, bias=tf)


def _step_up(channels: int, norm: Decoder, tf: bool) -> nn.Sequential:
    """Twice the height and width, half the ``channels``; stored weights know the parts by these names."""
    halved = channels // 2
    conv = UpConv2d(channels, halved, 3, bias=tf)
    if norm == "adalin":
        normalisation: nn.Module = LIN(halved, unbiased=not tf)
    else:
        normalisation = make_norm("instance_affine" if norm == "adain" else norm, halved)
    return nn.Sequential(OrderedDict({"1": conv, "2": normalisation, "3": nn.ReLU(inplace=True)}))


class UGATITGenerator(nn.Module):
    """U-GAT-IT's generator (arXiv:1907.10830, section 2.1): image in, image, CAM logits and heatmap out.

    ``light`` pools the features before the MLP and takes any size; the full model flattens them, so it takes
    ``image_size`` x ``image_size`` only. ``release="tensorflow"`` has biases and affine norms, biased variances, one
    CAM classifier with a bias, and AdaLIN's rho shifted by ``smoothing``. ``norm`` is the decoder's (figure 4), in its
    residual blocks and its upsampling. The upsampling has LIN for AdaLIN and an affine instance norm for AdaIN. A norm
    that is not adaptive needs no MLP, and the network then takes any size. ``cam=False`` leaves the attention out: the
    encoder's features go on as they are.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 4,
        light: bool = False,
        image_size: int = 256,
        release: Release = "pytorch",
        smoothing: bool = True,
        norm: Decoder = "adalin",
        cam: bool = True,
        in_channels: int = 3,
        out_channels: int = 3,
    ) -> None:
        super().__init__()
        if release not in ("pytorch", "tensorflow"):
            raise ConfigError(f"release={release!r} is not known: choose 'pytorch' or 'tensorflow'.")
        if image_size % 4:
            raise ConfigError(f"image_size={image_size} must be a multiple of 4.")
        tf = release == "tensorflow"
        channels = 4 * width
        encoder: Literal["instance", "instance_affine"] = "instance_affine" if tf else "instance"
        self.trunk = ResnetTrunk(width, blocks, in_channels=in_channels, norm=encoder, down_padding="reflect", bias=tf)
        self.cam = CAM(channels, shared=tf) if cam else None
        positions = 1 if light else (image_size // 4) ** 2
        steered = norm in STEERED
        self.style = StyleMLP(channels, positions=positions, bias=tf, channels_last=tf) if steered else None
        shift = 0.1 if tf and smoothing else 0.0
        self.blocks = nn.ModuleList(_block(channels, norm, tf, shift) for _ in range(blocks))
        self.up = nn.Sequential(*(_step_up(c, norm, tf) for c in (channels, channels // 2)))
        self.image = Conv2d(width, out_channels, 7, padding_mode="reflect", bias=tf)
        self.image_size = None if light or not steered else image_size
        self.channels = (in_channels, out_channels)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        if self.image_size is not None and image.shape[-2:] != (self.image_size, self.image_size):
            raise ShapeError(
                f"This U-GAT-IT (full) was built for {self.image_size}x{self.image_size} images, got"
                f" {image.shape[-2]}x{image.shape[-1]}: resize them by size='fit' or use a light"
                " model, which takes any size."
            )
        padded = pad_to_multiple(image, 4, minimum=8)
        features, logits, heatmap = self.trunk(padded), None, None
        if self.cam is not None:
            features, logits, heatmap = self.cam(features)
        steering = () if self.style is None else self.style(features)
        for block in self.blocks:
            features = block(features, *steering)
        output = self.image(self.up(features)).tanh()
        return crop(Translation(output, cam_logits=logits, heatmap=heatmap), image.shape[2], image.shape[3])
