"""What a converted model must answer, and pictures and networks to ask it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attn_i2i.models.config import read_config
from attn_i2i.models.directory import build_discriminators, build_generator
from tests.helpers.published import resnet, spread


def assert_answers(out: Path, direction: str, network: nn.Module, x: Tensor) -> None:
    generator = build_generator(out, read_config(out), direction).double()
    expected = network.double()(x.double())
    assert torch.allclose(generator(x.double()).image, expected, atol=1e-6)
    network.float()


def assert_discriminator_answers(out: Path, domain: str, network: nn.Module, x: Tensor) -> None:
    kept = build_discriminators(out, read_config(out))[domain].double()
    assert torch.allclose(kept(x.double())[0].logits, network.double()(x.double()), atol=1e-6)
    network.float()


def picture(channels: int = 3, size: int = 32) -> Tensor:
    return torch.rand(2, channels, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def pair(**options: Any) -> tuple[nn.Module, nn.Module]:
    return spread(resnet(blocks=1, **options), 1), spread(resnet(blocks=1, **options), 2)
