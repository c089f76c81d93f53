"""Small trainings, and what came out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attn_i2i.files import sha256
from attn_i2i.train import train

SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 1, "pool": 2}
ENGINE: dict[str, Any] = {"crop_size": 16, "workers": 0, "device": "cpu", "sample_every": 0}


def run(data: Path, folder: Path, recipe: str = "cyclegan", **options: Any) -> Path:
    """Train a small recipe for a few steps."""
    options = {"recipe_options": SMALL, "steps": 6, "save_every": 2} | ENGINE | options
    return train(recipe, data, folder, **options)


def weights(model: Path) -> dict[str, str]:
    return {file.name: sha256(file) for file in sorted(model.glob("*.safetensors"))}
