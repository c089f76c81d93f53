"""Networks computed in strips: each operation gives what the whole picture gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn_i2i.models.build import create
from attn_i2i.translate import tiling
from attn_i2i.types import Translation

from .helpers.strips import forward, in_strips, network

SMALL: dict[str, Any] = {"width": 4, "blocks": 1}
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("attentiongan2", SMALL),
    ("attentiongan1", SMALL),
    ("attentiongan1", {**SMALL, "norm": "instance"}),
    ("attentiongan2", {**SMALL, "mask_floor": 0.9}),
    ("attentiongan2-multidomain", SMALL),
    ("stargan", SMALL),
    ("aggan", SMALL),
    ("aggan", {**SMALL, "attention_kernels": (3, 3, 7)}),
    ("cyclegan", SMALL),
    ("cyclegan", {**SMALL, "down": "blur", "up": "blur", "padding": "replicate"}),
    ("cyclegan", {**SMALL, "up": "nearest", "padding": "zeros"}),
    ("cyclegan", {**SMALL, "head": "softmax"}),
    ("unet", {"width": 4, "levels": 4, "norm": "instance"}),
    ("unet", {"width": 4, "levels": 4, "style": "pytorch-gan"}),
    ("ugatit", {**SMALL, "light": True}),
    ("ugatit", {**SMALL, "light": True, "release": "tensorflow"}),
]


@pytest.mark.parametrize(
    ("family", "options", "rows"),
    [(*family, 16) for family in FAMILIES] + [(*family, 1) for family in FAMILIES if "up" in family[1]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_strips_give_what_the_whole_picture_gives(family: str, options: dict[str, Any], rows: int) -> None:
    generator = network(family, options).double()
    image = torch.rand(1, 3, 34 if rows == 1 else 50, 45, dtype=torch.float64) * 2 - 1
    domains = getattr(generator, "domains", 0)
    label = torch.eye(domains, dtype=torch.float64)[:1] if domains else None
    with torch.no_grad():
        whole = forward(generator, image, label)
    strips = in_strips(generator, image, rows, label)
    for name, part in whole._asdict().items():
        if part is not None:
            torch.testing.assert_close(strips.pop(name), part, rtol=0, atol=1e-10)
    assert not strips
    assert tiling(generator) == ("exact", "")


class Pyramid(nn.Module):
    """Operations that the package's own networks do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=3, padding=2, dilation=2, groups=1)
        self.norm = nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.BatchNorm2d(4))
        self.back = nn.ConvTranspose2d(4, 4, 5, stride=3, padding=1, output_padding=2)
        self.last = nn.Conv2d(8, 3, (1, 3), padding=(0, 1))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        x = self.norm(self.first(image)).relu()
        spread, level = torch.var_mean(x, (2, 3), keepdim=True)
        y = self.back(x * spread.sqrt() + level)
        y = F.layer_norm(y, y.shape[1:])
        y = F.interpolate(F.max_pool2d(F.avg_pool2d(y, 2), 3, 2, 1), image.shape[2:], mode="bicubic")
        z = F.pixel_shuffle(F.pixel_unshuffle(image, 2), 2).flip(1).permute(0, 1, 2, 3)[..., 1:, :]
        z = F.interpolate(F.pad(z, (0, 0, 2, 1), value=0.5), scale_factor=1.5, mode="nearest")
        z = F.interpolate(z, image.shape[2:], mode="bilinear", antialias=True)
        peak = z.amin((2, 3), keepdim=True) * z.std((2, 3), keepdim=True) + z.sum((2, 3), keepdim=True).sigmoid()
        heat = torch.stack([y[:, 0], y[:, 1] - peak[:, 0]], 1).mean(1, keepdim=True)
        joined = torch.cat([y, z - peak, heat], 1)
        return Translation(self.last(joined).tanh(), heatmap=heat[..., ::2, :])


def test_strips_are_exact_in_inference_mode_too() -> None:
    generator, image = create("aggan", width=4, blocks=1).eval(), torch.rand(1, 3, 32, 24) * 2 - 1
    with torch.inference_mode():
        whole, strips = generator(image), in_strips(generator, image, 16)
    torch.testing.assert_close(strips["image"], whole.image, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rows", [36, 1])
def test_operations_that_strangers_use_are_exact_too(rows: int) -> None:
    torch.manual_seed(0)
    generator = Pyramid().double().eval()
    image = torch.rand(1, 3, 36, 30, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        whole = generator(image)
    strips = in_strips(generator, image, rows)
    torch.testing.assert_close(strips["image"], whole.image, rtol=0, atol=1e-10)
    torch.testing.assert_close(strips["heatmap"], whole.heatmap, rtol=0, atol=1e-10)


@pytest.mark.parametrize("activation", [nn.Hardswish(), nn.PReLU(4), nn.LeakyReLU(0.2), nn.GELU(), nn.GLU(1)], ids=str)
def test_activations_are_exact_in_strips(activation: nn.Module) -> None:
    class Activated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.activation = nn.Conv2d(3, 4, 3, padding=1), activation
            self.last = nn.LazyConv2d(3, 1)

        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(self.last(self.activation(self.first(image))).tanh())

    image = torch.rand(1, 3, 20, 12, dtype=torch.float64) * 2 - 1
    generator = Activated().double().eval()
    with torch.no_grad():
        whole = generator(image).image
    torch.testing.assert_close(in_strips(generator, image, 6)["image"], whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("masked", [False, True])
def test_the_picture_itself_is_an_answer_too(masked: bool) -> None:
    class Unchanged(nn.Module):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            far = (image - image.mean((2, 3), keepdim=True)).abs()[:, :1]
            return Translation(image, far if masked else None)

    image = torch.rand(1, 3, 20, 12) * 2 - 1
    whole, strips = Unchanged()(image), in_strips(Unchanged().eval(), image, 6)
    assert torch.equal(strips["image"], image)
    if masked:
        torch.testing.assert_close(strips["attention"], whole.attention)
