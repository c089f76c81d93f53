"""PatchGAN discriminators (Isola et al., arXiv:1611.07004)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ..types import Verdict
from .blur import BlurDown
from .resnet import Norm, Padding, make_norm, unit


class SwitchableNorm(nn.Module):
    """A norm that can be turned off while training goes on; its parameters stay."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.enabled = norm, True

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) if self.enabled else x


class PatchDiscriminator(nn.Module):
    """4x4 convolutions to one logit a patch: (B, C, H, W) to a single verdict.

    ``layers`` strided convolutions, then one of stride 1, widths doubling up to ``widest`` * ``width``, then the
    logits; ``padding`` of the kind ``padding_mode`` before each. The first is normalised with ``norm_first`` only.
    ``bias`` is that of the convolutions in the middle, ``logits_bias`` that of the last. ``blur`` halves by a blur
    instead of strides (CUT). ``shifted`` leaves out the convolution of stride 1 and pads the last input once more at
    the top and left (PyTorch-GAN).

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
        padding_mode: Padding = "zeros",
        bias: bool = True,
        logits_bias: bool = True,
        blur: bool = False,
        shifted: bool = False,
        widest: int = 8,
    ) -> None:
        super().__init__()
        self.channels = in_channels
        channels = [in_channels, *(width * min(2**i, widest) for i in range(layers + (not shifted)))]
        self.features = nn.Sequential()
        for i, (a, b) in enumerate(pairwise(channels)):
            halves = i < layers
            stride = 2 if halves and not blur else 1
            conv = nn.Conv2d(a, b, 4, stride, padding, bias=bias or not i, padding_mode=padding_mode)
            part = unit(conv, norm if i or norm_first else "none", b, nn.LeakyReLU(0.2, inplace=True))
            if norm_switchable:
                part.norm = SwitchableNorm(make_norm(norm if i or norm_first else "none", b))
            self.features.append(part.append(BlurDown()) if halves and blur else part)
        self.pad = nn.ZeroPad2d((1, 0, 1, 0)) if shifted else nn.Identity()
        self.logits = nn.Conv2d(channels[-1], 1, 4, padding=padding, bias=logits_bias, padding_mode=padding_mode)

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return (Verdict(self.logits(self.pad(self.features(image)))),)


class PixelDiscriminator(nn.Module):
    """1x1 convolutions to one logit a pixel: (B, C, H, W) to a single verdict (Isola et al., section 4.4: PixelGAN).

    ``bias`` is that of all convolutions but the first, which has one.

    >>> PixelDiscriminator(width=8)(torch.zeros(1, 3, 16, 16))[0].logits.shape
    torch.Size([1, 1, 16, 16])
    """

    def __init__(self, in_channels: int = 3, width: int = 64, *, norm: Norm = "instance", bias: bool = True) -> None:
        super().__init__()
        self.channels = in_channels
        leaky = nn.LeakyReLU(0.2, inplace=True)
        self.features = nn.Sequential(
            unit(nn.Conv2d(in_channels, width, 1), "none", width, leaky),
            unit(nn.Conv2d(width, 2 * width, 1, bias=bias), norm, 2 * width, leaky),
        )
        self.logits = nn.Conv2d(2 * width, 1, 1, bias=bias)

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
