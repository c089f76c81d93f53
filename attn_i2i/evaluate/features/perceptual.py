"""The networks of LPIPS, for the weights that torchvision and the lpips package publish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ...arguments import typed
from ...files import sha256
from ...types import ConfigError, ModelError, UnreadableFileError
from .weights import BACKBONES as FILES
from .weights import fetched, lpips_heads, read_state

# What a backbone looks like, from the first picture on: a convolution (channels, kernel, stride, padding) or a pool
# (kernel, stride). A convolution is followed by a ReLU; those with "tap" are looked at after it.
_Layer = tuple[int, ...]
ALEX: tuple[tuple[str, _Layer], ...] = (
    ("tap", (64, 11, 4, 2)),
    ("pool", (3, 2)),
    ("tap", (192, 5, 1, 2)),
    ("pool", (3, 2)),
    ("tap", (384, 3, 1, 1)),
    ("tap", (256, 3, 1, 1)),
    ("tap", (256, 3, 1, 1)),
)
VGG: tuple[tuple[str, _Layer], ...] = tuple(
    layer
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    for layer in (*(("conv", (width, 3, 1, 1)),) * (count - 1), ("tap", (width, 3, 1, 1)), ("pool", (2, 2)))
)
BACKBONES = {"alex": ALEX, "vgg": VGG}
# ImageNet's mean and deviation, in [-1, 1], rounded as the lpips package has them.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
TINY = 1e-10  # keeps features of length 0 finite, as in the package


class Perceptual(nn.Module):
    """Two (B, 3, H, W) pictures in [0, 1] to their LPIPS distance (B,): version 0.1 of Zhang et al. 2018.

    Features of five layers are brought to length 1; the squared differences are weighted by channel and averaged.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.features, self.taps, channels = nn.Sequential(), [], 3
        widths = []
        for kind, numbers in BACKBONES[backbone]:
            if kind == "pool":
                self.features.append(nn.MaxPool2d(numbers[0], numbers[1]))
                continue
            width, kernel, stride, padding = numbers
            self.features.append(nn.Conv2d(channels, width, kernel, stride, padding))
            channels = width
            self.features.append(nn.ReLU())
            if kind == "tap":
                self.taps.append(len(self.features) - 1)
                widths.append(channels)
        self.heads = nn.ParameterList(torch.zeros(width) for width in widths)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        shift, scale = (first.new_tensor(values)[:, None, None] for values in (SHIFT, SCALE))
        x = (torch.cat([first, second]) * 2 - 1 - shift) / scale
        total = first.new_zeros(len(first))
        heads = iter(self.heads)
        for index, layer in enumerate(self.features[: self.taps[-1] + 1]):
            x = layer(x)
            if index in self.taps:
                a, b = (x / (x.norm(dim=1, keepdim=True) + TINY)).chunk(2)
                total = total + torch.einsum("bchw,c->bhw", (a - b).square(), next(heads)).mean((1, 2))
        return total


def build_perceptual(backbone: str, features: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> Perceptual:
    """The network with torchvision's weights of the backbone and the lpips package's heads. Raises ModelError."""
    network = Perceptual(backbone)
    wanted = network.features.state_dict()
    try:
        network.features.load_state_dict({name: features[f"features.{name}"] for name in wanted})
        for index, head in enumerate(network.heads):
            head.data.copy_(heads[f"lin{index}.model.1.weight"].flatten())
    except (KeyError, RuntimeError) as error:
        line = " ".join(str(error).split())[:200]
        raise ModelError(f"These are not the weights of LPIPS with {backbone!r}: {line}.") from error
    return network.eval().requires_grad_(False)


@typed
def perceptual(spec: str, device: str | torch.device = "cpu") -> tuple[Perceptual, str]:
    """The network that ``spec`` names, and its label: the name and the first digits of its weights' hash.

    ``alex`` or ``vgg``, fetched where it is not on this machine; ``alex@FILE`` with the backbone of a file. The heads
    are those of the lpips package. Raises ConfigError, ModelError, UnreadableFileError.
    """
    name, _, file = spec.partition("@")
    if name not in BACKBONES:
        raise ConfigError(f"LPIPS with {name!r} was asked for: expected {' or '.join(BACKBONES)}, or NAME@FILE.")
    if file and not Path(file).is_file():
        raise UnreadableFileError(f"There is no file {file}: give {name}@FILE with torchvision's weights.")
    path = Path(file) if file else fetched(FILES[name])
    network = build_perceptual(name, read_state(path), read_state(lpips_heads(name)))
    return network.to(device), f"lpips-{name} {sha256(path)[:8]}"
