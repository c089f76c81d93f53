"""What the tests of the recipes share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.models.directory import save_model
from PIL import Image
from small import MADE
from torch import Tensor


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Untrained models, with masks and without."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, (architecture, options) in MADE.items():
        states = {way: create(architecture, **options).state_dict() for way in ("A2B", "B2A")}
        save_model(folder / name, ModelConfig(architecture, dict(options), ["A2B", "B2A"]), states)
    return {name: folder / name for name in MADE}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, source = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for side in "AB":
        (folder / f"train{side}").mkdir()
        for i in range(3):
            pixels = source.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"train{side}/{i}.png")
    return folder


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
