"""Whether networks and steps answer right on a GPU: every check is a row with a column ``passed``."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks import inference, training
from benchmarks.gpu_sections.engines import batches, built, engine_of, exact_float32, moved, sized
from benchmarks.gpu_sections.report import PASSED, Row, Settings
from tests.parity import cases as parity

FLOAT32_BOUND = 2e-4  # of two orders of summation in networks of thirty layers
DECIBELS = 35  # of half precision at least: 8 bits keep 40 to 50 dB, a wrong network is near 10
LOSS_BOUNDS = {"float32": 1e-4, "TF32": 0.02, "bf16": 0.05}


def forward_cases(settings: Settings) -> Iterator[Row]:
    """What published checkpoints answer, in float64 and float32, against the recorded answers."""
    yield from _cases(settings, training_cases=False)


def training_cases(settings: Settings) -> Iterator[Row]:
    """Losses of every step and the trained networks' answers in float64; the first losses in float32."""
    yield from _cases(settings, training_cases=True)


def _cases(settings: Settings, training_cases: bool) -> Iterator[Row]:
    folders = [folder for case in settings.cases for folder in parity.cases_in(Path(case))]
    chosen = [folder for folder in folders if folder.name.startswith("train") == training_cases]
    for folder in chosen[: 1 if settings.quick else None]:
        with exact_float32():
            outcome = parity.run(folder, settings.device)
        errors = {"float64": outcome.float64, "float32": outcome.float32}
        yield {"case": folder.name, **errors, "compared": outcome.compared, PASSED: outcome.passed}


class Precision(NamedTuple):
    """A precision of a generator, whether float32 is exact, and the largest difference or least PSNR allowed."""

    dtype: torch.dtype
    exact: bool = False
    most: float | None = None


PRECISIONS = {
    "float32": Precision(torch.float32, exact=True, most=FLOAT32_BOUND),
    "TF32": Precision(torch.float32),
    "bf16": Precision(torch.bfloat16),
}
LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}


@torch.inference_mode()
def precision(settings: Settings) -> Iterator[Row]:
    """Each generator against itself in exact float32, contiguous."""
    width, size = (4, 32) if settings.quick else (64, 256)
    for label, family in list(inference.FAMILIES.items())[: 1 if settings.quick else None]:
        network, _ = inference.networks(family, width, settings.device)
        image = torch.rand(2, 3, size, size, device=settings.device) * 2 - 1
        with exact_float32():
            expected = network(image).image
        for (name, way), (layout, form) in product(PRECISIONS.items(), LAYOUTS.items()):
            run = copy.deepcopy(network).to(dtype=way.dtype, memory_format=form)
            with exact_float32(way.exact):
                answer = run(image.to(dtype=way.dtype, memory_format=form)).image.float()
            error, decibels = float((answer - expected).abs().max()), psnr(answer, expected)
            row: Row = {"network": label, "precision": name, "layout": layout, "largest difference": error}
            passed = decibels >= DECIBELS if way.most is None else error <= way.most
            yield {**row, "dB": decibels, PASSED: passed}


def recipes(settings: Settings) -> list[str]:
    """The recipes that are checked."""
    return ["cyclegan"] if settings.quick else list(training.cases())


def psnr(answer: Tensor, expected: Tensor) -> float:
    """Peak signal to noise of images in [-1, 1]; at most 200 dB."""
    error = float((answer - expected).double().square().mean().clamp(min=4e-20))
    return float(10 * np.log10(4 / error))


def losses(settings: Settings) -> Iterator[Row]:
    """The losses of a recipe's first step in the engine against the plain step's in float32."""
    for name in recipes(settings):
        arguments = sized(settings, width=32, size=128, batch=2)
        (batch,) = batches(settings, arguments, 1)
        for way, options in _ways(settings).items():
            recipe = built(name, arguments)
            plain = training.cases()[name].plain(copy.deepcopy(recipe.networks), arguments.width, arguments.size)
            engine = engine_of(recipe, settings, **options)
            batch_there = moved(engine, batch)
            with exact_float32():
                expected = plain({n: v.contiguous() for n, v in batch_there.items()})
            with exact_float32(way != "TF32"):
                answer = engine.micro_step(batch_there)
            worst = max(relative(answer[loss], value) for loss, value in expected.items())
            bound = LOSS_BOUNDS[way.split(",")[0]]
            yield {"recipe": name, "engine": way, "worst loss": worst, PASSED: worst <= bound}


def _ways(settings: Settings) -> dict[str, dict[str, Any]]:
    """The engine's options for each way; a CPU has but two, since one without bfloat16 would warn."""
    ways: dict[str, dict[str, Any]] = {
        "float32": {"precision": "fp32", "channels_last": False},
        "float32, channels last": {"precision": "fp32", "channels_last": True},
    }
    if settings.device == "cuda":
        ways |= {"TF32": {"precision": "fp32"}, "bf16": {"precision": "bf16", "channels_last": False}}
        ways |= {"bf16, channels last": {"precision": "bf16"}, "bf16, checkpointing": {"checkpointing": True}}
    return ways


def relative(value: Tensor, expected: Tensor) -> float:
    """The difference over max(1, expected); infinite for what is no number."""
    error = float((value.detach() - expected.detach()).abs()) / max(1.0, abs(float(expected.detach())))
    return error if error == error else float("inf")
