"""What tests of the command line give it and look at afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from attn_i2i.model import ModelConfig, create

Run = Callable[..., "tuple[int, str, str]"]


def write_model(folder: Path, architecture: str, labels: list[str] | None = None, /, **config: object) -> None:
    torch.manual_seed(0)
    directions = ["translate"] if labels else ["A2B", "B2A"]
    for direction in directions:
        state = create(architecture, **config).state_dict()
        save_file({key: value.contiguous() for key, value in state.items()}, folder / f"{direction}.safetensors")
    text = ModelConfig(architecture, dict(config), directions, labels).to_json()
    (folder / "config.json").write_text(text, encoding="utf-8")


def picture(name: str | Path, size: tuple[int, int] = (24, 16), mode: str = "RGB") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(name))).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def files(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())
