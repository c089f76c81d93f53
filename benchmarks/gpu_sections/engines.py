"""Recipes in the training engine, as the checks and the figures of a GPU run them."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from attn_i2i.train.data.loading import Batch, to_device
from attn_i2i.train.engine import Engine, make_accelerator
from attn_i2i.train.options import TrainOptions
from benchmarks import training
from benchmarks.gpu_sections.report import Settings

BATCHES = (1, 16)
DOMAINS = ("stargan", "attentiongan1-multidomain")
PIXELS = ("A", "B", "image")  # the batch's pictures


def sized(
    settings: Settings, *, width: int = 64, size: int = 256, batch: int = 1, steps: int = 1
) -> argparse.Namespace:
    """What ``benchmarks.training`` takes as its arguments; tiny where the settings say quick."""
    if settings.quick:
        width, size, batch = 4, 32, min(batch, 2)
    return argparse.Namespace(width=width, size=size, batch=batch, steps=1, device=settings.device)


def engine_of(recipe: Any, settings: Settings, **options: Any) -> Engine:
    """The engine that ``train`` would make for a recipe with these options."""
    chosen = TrainOptions(device=settings.device, **options)
    return Engine(recipe, make_accelerator(chosen), chosen)


def built(name: str, arguments: argparse.Namespace, **options: Any) -> Any:
    """The recipe ``name`` on its device, from the seed that all of them share."""
    case = training.cases()[name]
    return training.build(training.Case(case.recipe, case.options | options, case.plain), arguments)


def batches(settings: Settings, arguments: argparse.Namespace, number: int) -> list[Batch]:
    """Batches as a loader gives them: pictures in bytes, in pinned memory where the device is a GPU."""
    arguments = copy.copy(arguments)
    arguments.device, arguments.steps = "cpu", max(number - training.WARM_UP, 0)
    made = [{name: as_bytes(name, value) for name, value in batch.items()} for batch in training.batches(arguments)]
    pin = settings.device == "cuda"
    return [{n: v.pin_memory() if pin else v for n, v in batch.items()} for batch in made[:number]]


def as_bytes(name: str, value: Tensor) -> Tensor:
    return value.add(1).mul_(127.5).round_().to(torch.uint8) if name in PIXELS else value


def moved(engine: Engine, batch: Batch) -> Batch:
    """The batch on the engine's device, as the loop moves it."""
    return to_device(batch, engine.accelerator.device, engine.layout)


@contextmanager
def exact_float32(exact: bool = True) -> Iterator[None]:
    """Float32 convolutions and products of 24 bits inside; else cuDNN's convolutions may keep 11, torch's default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = not exact
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def write_pictures(data: Path, number: int, size: int, suffix: str = "png") -> None:
    """Two folders of pictures with large forms and a little noise, as photographs have."""
    random = np.random.default_rng(0)
    for side in "AB":
        (data / f"train{side}").mkdir(parents=True)
        for index in range(number):
            forms = Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8))
            smooth = np.asarray(forms.resize((size, size), Image.Resampling.BICUBIC), np.int16)
            pixels = (smooth + random.integers(-8, 9, smooth.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(data / f"train{side}" / f"{index}.{suffix}")
