"""Whether runs on a GPU can be repeated and resumed, and whether a step waits for it."""

from __future__ import annotations

import argparse
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from attn_i2i.train import Engine, train
from attn_i2i.train.data.loading import Batch
from attn_i2i.train.monitor import Averages
from benchmarks.gpu_sections.checks import recipes
from benchmarks.gpu_sections.engines import DOMAINS, batches, built, engine_of, moved, sized, write_pictures
from benchmarks.gpu_sections.report import PASSED, Row, Settings

STEPS, SAVED = 6, 3  # of the runs that are resumed
SMALL = {"width": 32, "discriminator_width": 16}  # checkpoints of megabytes, convolutions of the usual kind
RESUMED = {"cyclegan": SMALL, "ugatit": SMALL | {"light": True}, "attentiongan2": SMALL, "aggan": SMALL}
QUICK = {"cyclegan": {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 1}}
POOLLESS = (*DOMAINS, "ugatit")  # recipes without a pool of fakes
UNCHECKED = 3  # first steps, in which memory is taken and kernels are loaded
UNORDERED = re.compile(r"(\S+) does not have a deterministic implementation")


def precisions(settings: Settings) -> tuple[str, ...]:
    """A processor without bfloat16 would warn of it."""
    return ("bf16", "fp32") if settings.device == "cuda" else ("fp32",)


def repeated(settings: Settings) -> Iterator[Row]:
    """Whether four steps from one seed give one answer, and which operations torch says are in no fixed order."""
    for name in recipes(settings):
        for way in precisions(settings):
            arguments = sized(settings, width=64, size=128, batch=2)
            first, second = (_after_steps(name, settings, arguments, way) for _ in range(2))
            worst = max(float((first[key] - second[key]).abs().max()) for key in first)
            operations = _unordered(name, settings, arguments, way)
            row: Row = {"recipe": name, "precision": way, "largest difference": worst}
            yield {**row, "the same to the bit": worst == 0, "operations in no fixed order": operations}


def _after_steps(
    name: str, settings: Settings, arguments: argparse.Namespace, way: str, number: int = 4
) -> dict[str, Tensor]:
    """The weights after some steps from one seed."""
    recipe = built(name, arguments, discriminator_width=16)
    engine = engine_of(recipe, settings, precision=way)
    torch.manual_seed(0)
    for batch in batches(settings, arguments, number):
        engine.micro_step(moved(engine, batch))
    return {key: value.double() for key, value in recipe.networks.state_dict().items()}


def _unordered(name: str, settings: Settings, arguments: argparse.Namespace, way: str) -> str:
    """The operations of a step that torch warns of as not deterministic."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            _after_steps(name, settings, arguments, way, 1)
    finally:
        torch.use_deterministic_algorithms(False)
    named = (UNORDERED.match(str(warning.message)) for warning in said)
    return ", ".join(sorted({match[1] for match in named if match})) or "none"


def resumed(settings: Settings) -> Iterator[Row]:
    """A run that was stopped and resumed against one that was not: the models must be the same to the bit."""
    with tempfile.TemporaryDirectory() as work:
        data = Path(work, "data")
        write_pictures(data, 6, 40 if settings.quick else 144)
        for name, options in (QUICK if settings.quick else RESUMED).items():
            for precision in precisions(settings):
                folder = Path(work, f"{name}-{precision}")
                error = _resume_error(name, data, folder, settings, recipe_options=options, precision=precision)
                yield {"recipe": name, "precision": precision, "largest difference": error, PASSED: error == 0}


def _resume_error(name: str, data: Path, folder: Path, settings: Settings, **options: Any) -> float:
    """The largest difference of a weight, with an average of the weights and a pool beside them."""
    options |= {"crop_size": 32 if settings.quick else 128, "batch_size": 2, "ema": 0.9, "workers": 0}
    options |= {"device": settings.device, "sample_every": 0, "save_every": SAVED}
    whole = train(name, data, folder / "whole", steps=STEPS, **options)
    train(name, data, folder / "cut", steps=SAVED, **options)
    again = train(name, data, folder / "cut", steps=STEPS, resume=True, **options)
    differences = [
        float((load_file(again / file.name)[key].double() - value.double()).abs().max())
        for file in sorted(whole.glob("*.safetensors"))
        for key, value in load_file(file).items()
    ]
    return max(differences)


def waiting(settings: Settings) -> Iterator[Row]:
    """A step of one picture, from the loader's batch to the averages of losses: torch raises where it would wait."""
    for name in recipes(settings):
        arguments = sized(settings, width=16, size=128)
        recipe = built(name, arguments, **({} if name in POOLLESS else {"pool": 2}))
        engine, averages = engine_of(recipe, settings, ema=0.9), Averages()
        problem = ""
        for number, batch in enumerate(batches(settings, arguments, UNCHECKED + 2)):
            try:
                _step_without_waiting(engine, averages, batch, check=number >= UNCHECKED and settings.device == "cuda")
            except RuntimeError as error:
                problem = f"{error} ({_place(error)})"
                break
        yield {"recipe": name, "on": str(engine.accelerator.device), "problem": problem or "none", PASSED: not problem}


def _step_without_waiting(engine: Engine, averages: Averages, batch: Batch, check: bool) -> None:
    """One step of the loop; with ``check`` torch raises RuntimeError where the host would wait for the device."""
    if check:
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
    try:
        engine.set_learning_rate(1e-4)
        averages.add(engine.micro_step(moved(engine, batch)))
    finally:
        if check:
            torch.cuda.set_sync_debug_mode("default")


def _place(error: BaseException) -> str:
    """File, line and function of this project in which an error arose."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        frame = trace.tb_frame
        if "attn_i2i" in frame.f_code.co_filename:
            place = f"{Path(frame.f_code.co_filename).name}:{trace.tb_lineno} {frame.f_code.co_name}"
        trace = trace.tb_next
    return place
