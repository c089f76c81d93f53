"""The perceptual loss of UNIT and MUNIT: VGG16's deepest features, each channel normalised (MUNIT, section 5.1)."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from attn_i2i.convert import read_checkpoint
from attn_i2i.types import ConfigError, StateDict
from torch import Tensor, nn

# VGG16's convolutions by Caffe's names, in order
LAYERS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3")
POOLED = ("1_2", "2_2", "3_3")  # the release leaves out the pooling after 4_3
MEAN = (103.939, 116.779, 123.680)  # of ImageNet's blue, green and red, as Caffe's VGG16 was trained
WEIGHTS = "the file vgg16.weight that the release makes of Caffe's VGG16, with keys conv1_1.weight to conv5_3.bias"


class PerceptualFeatures(nn.Module):
    """(B, 3, H, W) images in [-1, 1] to normalised features at an eighth of the size; never trained.

    Built from a state of any widths under Caffe's names. Raises ConfigError for another one.
    """

    def __init__(self, state: StateDict) -> None:
        super().__init__()
        wanted = {f"conv{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")}
        if state.keys() != wanted:
            sample = ", ".join(sorted(state.keys() ^ wanted)[:3])
            raise ConfigError(f"The perceptual network's weights do not fit ({sample}): expected {WEIGHTS}.")
        self.convs = nn.ModuleDict()
        for layer in LAYERS:
            b, a = state[f"conv{layer}.weight"].shape[:2]
            self.convs[layer] = nn.Conv2d(a, b, 3, padding=1)
            self.convs[layer].load_state_dict({part: state[f"conv{layer}.{part}"] for part in ("weight", "bias")})
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        x = (image.flip(1) + 1) * 127.5 - image.new_tensor(MEAN)[:, None, None]
        for layer, conv in self.convs.items():
            x = F.relu(conv(x))
            if layer in POOLED:
                x = F.max_pool2d(x, 2)
        return F.instance_norm(x)

    def distance(self, one: Tensor, target: Tensor) -> Tensor:
        """Mean squared distance of two images' features; the gradient goes to ``one``."""
        with torch.no_grad():
            wanted = self(target)
        return F.mse_loss(self(one), wanted)


def read_perceptual(path: str) -> PerceptualFeatures:
    """The network of a file, which is read inertly, on the CPU whatever device is the default."""
    if not path:
        raise ConfigError(f"The perceptual loss needs perceptual_weights=FILE: {WEIGHTS}.")
    with torch.device("cpu"):
        return PerceptualFeatures(read_checkpoint(Path(path)))
