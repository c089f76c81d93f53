"""Small pictures, and folders of them to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

PICTURES = 7


def colours(height: int = 6, width: int = 8) -> Image.Image:
    """A picture whose pixels all differ."""
    pixels = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    return Image.fromarray(pixels)


def levels(picture: torch.Tensor) -> np.ndarray:
    """A (C, H, W) picture in [0, 1] as 8-bit (H, W, C)."""
    return (picture * 255).round().byte().permute(1, 2, 0).numpy()


def noise_picture(path: Path, value: int | None = None, size: tuple[int, int] = (20, 24)) -> Path:
    """Write a picture of noise, or of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(path.name.encode())  # not hash(), which differs from process to process
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise if value is None else np.full_like(noise, value)).save(path)
    return path


def make_pictures(data: Path) -> None:
    """Two folders of noise; unequal numbers, as in life."""
    noise = np.random.default_rng(0)
    for side, count in (("A", PICTURES), ("B", PICTURES - 2)):
        (data / f"train{side}").mkdir(parents=True)
        for index in range(count):
            pixels = noise.integers(0, 256, (20, 18, 3), np.uint8)
            Image.fromarray(pixels).save(data / f"train{side}" / f"{index}.png")
