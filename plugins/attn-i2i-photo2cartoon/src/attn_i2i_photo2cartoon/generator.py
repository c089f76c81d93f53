"""photo2cartoon's generator."""

from __future__ import annotations

import torch
from attn_i2i.blocks import CAM, LIN, Down, ResBlock, crop, pad_to_multiple
from attn_i2i.blocks.convolution import Conv2d, UpConv2d
from attn_i2i.blocks.instance_norm import InstanceNorm2d
from attn_i2i.types import ConfigError, ShapeError, Translation
from torch import Tensor, nn

from .hourglass import Stage
from .soft_adalin import SoftAdaLINBlock

BLOCKS = 4  # residual blocks of the encoder, and as many of the decoder, as released


class Photo2Cartoon(nn.Module):
    """U-GAT-IT's trunk between hourglass stages at full resolution: image, CAM logits and heatmap.

    Each decoder block is steered by the style of the attended features and by the content of the encoder block that
    lies opposite. ``light`` pools the features before the style's layers and takes any size; the full model flattens
    them, so it takes ``image_size`` x ``image_size`` only. Other sizes are padded by reflection to multiples of 16.
    """

    def __init__(self, width: int = 32, light: bool = True, image_size: int = 256) -> None:
        super().__init__()
        if width % 4 or image_size % 16:
            raise ConfigError(f"width={width} must be a multiple of 4, image_size={image_size} of 16.")
        channels = 4 * width
        self.channels, self.stride = (3, 3), 16
        self.light, self.image_size = light, None if light else image_size
        self.stem = Conv2d(3, width, 7, padding_mode="reflect", bias=False)
        self.stem_norm = InstanceNorm2d(width)
        self.stages = nn.ModuleList(Stage(width) for _ in range(3))
        self.last_stage = Stage(width, last=True)
        self.down = nn.Sequential(*(Down(c, 2 * c, padding="reflect", bias=False) for c in (width, 2 * width)))
        self.encoder = nn.ModuleList(ResBlock(channels, bias=False) for _ in range(BLOCKS))
        self.cam = CAM(channels)
        self.cam_bias = nn.Parameter(torch.zeros(2))
        flat = channels if light else channels * (image_size // 4) ** 2
        self.style = nn.Sequential(nn.Linear(flat, channels), nn.ReLU(), nn.Linear(channels, channels), nn.ReLU())
        self.decoder = nn.ModuleList(SoftAdaLINBlock(channels) for _ in range(BLOCKS))
        self.up = nn.Sequential(
            *(
                nn.Sequential(UpConv2d(c, c // 2, 3, bias=False), LIN(c // 2), nn.ReLU())
                for c in (channels, channels // 2)
            )
        )
        self.image = Conv2d(3, 3, 7, padding_mode="reflect", bias=False)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        if self.image_size is not None and image.shape[2:] != (self.image_size, self.image_size):
            raise ShapeError(
                f"This model takes {self.image_size}x{self.image_size} pixels, not {tuple(image.shape[2:])}."
            )
        x = self.stem_norm(self.stem(pad_to_multiple(image, self.stride, minimum=2 * self.stride))).relu()
        x = self.down(self.stages[1](self.stages[0](x)))
        contents = []
        for block in self.encoder:
            x = block(x)
            contents.append(x.mean((2, 3)))
        cam = self.cam(x)
        x = cam.features
        style = self.style(x.mean((2, 3)) if self.light else x.flatten(1))
        for block in self.decoder:
            x = block(x, contents.pop(), style)
        drawn = self.last_stage(self.stages[2](self.up(x)))
        translation = Translation(self.image(drawn).tanh(), cam_logits=cam.logits + self.cam_bias, heatmap=cam.heatmap)
        return crop(translation, image.shape[2], image.shape[3])
