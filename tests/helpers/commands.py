"""What tests of the command line give it and look at afterwards."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import typer.main
from PIL import Image
from safetensors.torch import save_file

from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig

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


@cache
def remember_signatures() -> None:
    """Have typer read signatures and make commands once; by itself it does so at every call, most of its time."""
    typer.main.get_params_from_function = cache(typer.main.get_params_from_function)  # type: ignore[attr-defined]
    make = cache(lambda app, *counts: get_command(app))
    get_command = typer.main.get_command
    typer.main.get_command = lambda app: make(app, len(app.registered_commands), len(app.registered_groups))


def run_cli(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run ``attn-i2i`` in this process and return its exit status."""
    from attn_i2i.cli import main

    remember_signatures()
    monkeypatch.setattr(sys, "argv", ["attn-i2i", *arguments])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main replaces it; this puts it back
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0
