"""The attention network of Mejjati et al.: a generator-sized network that only says where to look."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from .convolution import Conv2d, UpConv2d
from .padding import cut, pad_to_multiple
from .resnet import Down, Norm, ResBlock, unit


class AttentionNetwork(nn.Module):
    """(B, C, H, W) images in [-1, 1] to (B, 1, H, W) masks in [0, 1] (NeurIPS 2018, arXiv:1806.02311, section 3.1).

    ``kernels`` are those of the three decoder convolutions: (1, 1, 1) in the released network, whose arguments were
    swapped, (3, 3, 7) in the paper. Sizes that 4 does not divide are reflected and cropped back.

    >>> AttentionNetwork(width=8)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 1, 32, 32])
    """

    def __init__(
        self,
        width: int = 64,
        *,
        kernels: tuple[int, int, int] = (1, 1, 1),
        norm: Norm = "instance_affine",
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        w = width
        stem = nn.Conv2d(in_channels, w, 7, stride=2, padding=3, padding_mode="reflect")
        self.stem = unit(stem, norm, w, nn.ReLU(inplace=True))
        self.down = Down(w, 2 * w, norm=norm, same=True)
        self.block = ResBlock(2 * w, norm=norm, padding="reflect", final_relu=True)
        self.up = nn.Sequential(self._up(2 * w, 2 * w, kernels[0], norm), self._up(2 * w, w, kernels[1], norm))
        self.mask = Conv2d(w, 1, kernels[2], padding_mode="reflect")

    @staticmethod
    def _up(in_channels: int, out_channels: int, kernel: int, norm: Norm) -> nn.Sequential:
        conv = UpConv2d(in_channels, out_channels, kernel)
        step = unit(conv, norm, out_channels, nn.ReLU(inplace=True))
        return nn.Sequential(OrderedDict({"1": step}))  # stored weights know the step by this name

    def forward(self, image: Tensor) -> Tensor:
        padded = pad_to_multiple(image, 4, minimum=8)
        logits = self.mask(self.up(self.block(self.down(self.stem(padded)))))
        return cut(logits.sigmoid(), image.shape[2], image.shape[3])
