"""The published generators written plainly, as their papers and releases run them: what the library is timed against.

Every step is a module or an operation of its own: padding, convolution, norm, activation. The CAM scales the feature
map twice, AdaLIN takes four statistics, and each content has a mask and a product. Modules are defined in the order of
the library's own, so that weights copy over by position.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Give ``target`` the parameters of ``source``, position by position; shapes must agree."""
    ours, theirs = list(source.named_parameters()), list(target.named_parameters())
    if [tuple(p.shape) for _, p in ours] != [tuple(p.shape) for _, p in theirs]:
        raise ValueError(f"{type(target).__name__} is not laid out like {type(source).__name__}.")
    with torch.no_grad():
        for (_, given), (_, taken) in zip(ours, theirs, strict=True):
            taken.copy_(given)


def padded_conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = True) -> list[nn.Module]:
    """Reflection padding, then the convolution."""
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride, bias=bias)]


class Residual(nn.Module):
    """Two padded 3x3 convolutions with instance norm, and the sum."""

    def __init__(self, channels: int, bias: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *padded_conv(channels, channels, 3, bias=bias),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
            *padded_conv(channels, channels, 3, bias=bias),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def encoder(width: int, blocks: int, bias: bool = True, reflect_down: bool = False) -> list[nn.Module]:
    """7x7 stem, two strided convolutions, residual blocks."""
    layers = [*padded_conv(3, width, 7, bias=bias), nn.InstanceNorm2d(width), nn.ReLU(True)]
    for channels in (width, 2 * width):
        if reflect_down:
            layers += padded_conv(channels, 2 * channels, 3, 2, bias)
        else:
            layers += [nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=bias)]
        layers += [nn.InstanceNorm2d(2 * channels), nn.ReLU(True)]
    return layers + [Residual(4 * width, bias) for _ in range(blocks)]


def decoder(width: int) -> list[nn.Module]:
    """Two transposed convolutions."""
    layers: list[nn.Module] = []
    for channels in (4 * width, 2 * width):
        layers += [
            nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, 1),
            nn.InstanceNorm2d(channels // 2),
            nn.ReLU(True),
        ]
    return layers


class CycleGAN(nn.Module):
    """Image to image (arXiv:1703.10593)."""

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        self.model = nn.Sequential(*encoder(width, blocks), *decoder(width), *padded_conv(width, 3, 7), nn.Tanh())

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.model(x),)


class AttentionGAN2(nn.Module):
    """Ten masks and nine contents, each cut out, multiplied and summed on its own (arXiv:1911.11897)."""

    def __init__(self, width: int = 64, blocks: int = 9, masks: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*encoder(width, blocks))
        self.content = nn.Sequential(*decoder(width), *padded_conv(width, 3 * (masks - 1), 7), nn.Tanh())
        self.attention = nn.Sequential(*decoder(width), nn.Conv2d(width, masks, 1), nn.Softmax(dim=1))
        self.masks = masks

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        features = self.encoder(x)
        content, attention = self.content(features), self.attention(features)
        contents = [content[:, 3 * i : 3 * i + 3] for i in range(self.masks - 1)]
        shown = [attention[:, i : i + 1].repeat(1, 3, 1, 1) for i in range(self.masks)]
        outputs = [layer * mask for layer, mask in zip([*contents, x], shown, strict=True)]
        image = outputs[0]
        for output in outputs[1:]:
            image = image + output
        return image, attention, content.unflatten(1, (-1, 3))


def mixed_norm(x: Tensor, rho: Tensor, eps: float = 1e-5) -> Tensor:
    """Instance- and layer-normalised copies from two statistics each, mixed by rho."""
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True)
    by_instance = (x - mean) / torch.sqrt(variance + eps)
    mean, variance = x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), keepdim=True)
    by_layer = (x - mean) / torch.sqrt(variance + eps)
    rho = rho[None, :, None, None].expand(x.shape[0], -1, -1, -1)
    return rho * by_instance + (1 - rho) * by_layer


class AdaLIN(nn.Module):
    """Norm whose gamma and beta come from outside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.full((channels,), 0.9))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        return mixed_norm(x, self.rho) * gamma[:, :, None, None] + beta[:, :, None, None]


class LIN(nn.Module):
    """Norm with gamma and beta of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.zeros(channels))
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        gamma, beta = (p[None, :, None, None].expand(x.shape[0], -1, -1, -1) for p in (self.gamma, self.beta))
        return mixed_norm(x, self.rho) * gamma + beta


class AdaLINResidual(nn.Module):
    """Residual block around two AdaLIN."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad1, self.conv1 = padded_conv(channels, channels, 3, bias=False)
        self.pad2, self.conv2 = padded_conv(channels, channels, 3, bias=False)
        self.norm1, self.relu, self.norm2 = AdaLIN(channels), nn.ReLU(True), AdaLIN(channels)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = self.relu(self.norm1(self.conv1(self.pad1(x)), gamma, beta))
        return self.norm2(self.conv2(self.pad2(y)), gamma, beta) + x


class UGATITLight(nn.Module):
    """Image to image, CAM logits and heatmap (arXiv:1907.10830), gamma and beta from the pooled features."""

    def __init__(self, width: int = 64, blocks: int = 4) -> None:
        super().__init__()
        channels = 4 * width
        self.encoder = nn.Sequential(*encoder(width, blocks, bias=False, reflect_down=True))
        self.average_fc = nn.Linear(channels, 1, bias=False)
        self.maximum_fc = nn.Linear(channels, 1, bias=False)
        self.conv1x1, self.relu = nn.Conv2d(2 * channels, channels, 1), nn.ReLU(True)
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels, bias=False),
            nn.ReLU(True),
            nn.Linear(channels, channels, bias=False),
            nn.ReLU(True),
        )
        self.gamma = nn.Linear(channels, channels, bias=False)
        self.beta = nn.Linear(channels, channels, bias=False)
        self.blocks = nn.ModuleList(AdaLINResidual(channels) for _ in range(blocks))
        up: list[nn.Module] = []
        for c in (channels, channels // 2):
            up += [nn.Upsample(scale_factor=2), *padded_conv(c, c // 2, 3, bias=False), LIN(c // 2), nn.ReLU(True)]
        self.up = nn.Sequential(*up, *padded_conv(width, 3, 7, bias=False), nn.Tanh())

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.encoder(x)
        pools = (nn.functional.adaptive_avg_pool2d(x, 1), nn.functional.adaptive_max_pool2d(x, 1))
        classifiers = (self.average_fc, self.maximum_fc)
        logits = [fc(pool.flatten(1)) for fc, pool in zip(classifiers, pools, strict=True)]
        scaled = [x * fc.weight[:, :, None, None] for fc in classifiers]
        x = self.relu(self.conv1x1(torch.cat(scaled, 1)))
        heatmap = x.sum(1, keepdim=True)
        style = self.mlp(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))
        gamma, beta = self.gamma(style), self.beta(style)
        for block in self.blocks:
            x = block(x, gamma, beta)
        return self.up(x), torch.cat(logits, 1), heatmap
