"""Untrained models of a few channels, and how the tests train and ask them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attn_i2i
from attn_i2i.files import sha256
from attn_i2i.types import Translation
from torch import Tensor

SMALL = {"width": 4, "blocks": 1, "masks": 3}
PLAIN = {"width": 4, "blocks": 1}
MADE = {
    "masked": ("attentiongan2", SMALL),
    "other": ("attentiongan1", PLAIN),  # with batch norm
    "plain": ("cyclegan", PLAIN),
    "open": ("attentiongan2", {**SMALL, "background": False}),
    "one-size": ("ugatit", {"width": 2, "blocks": 1, "image_size": 32}),
}
ENGINE: dict[str, Any] = {"crop_size": 16, "workers": 0, "device": "cpu", "sample_every": 0, "save_every": 2}


def answer(model: Path, way: str, image: Tensor) -> Translation:
    made: Translation = attn_i2i.load(model, device="cpu").generators[way](image)
    return made


def weights(model: Path) -> dict[str, str]:
    return {file.name: sha256(file) for file in model.glob("?2?.safetensors")}


def learn(recipe: Any, image: Tensor, steps: int) -> list[float]:
    """Train on one image of both domains; the loss ``A`` at each step."""
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()

    return [recipe.step({"A": image, "B": image}, update)["A"].item() for _ in range(steps)]
