"""Training on a GPU: the engine's step in every precision against the plain step."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch

from benchmarks import training as plain
from benchmarks.gpu_sections.clock import LEAST, Measured, a_second, clocked, executed, matrix_peak, tflops
from benchmarks.gpu_sections.engines import BATCHES, DOMAINS, batches, built, engine_of, exact_float32, moved, sized
from benchmarks.gpu_sections.report import Row, Settings


class TrainingWay(NamedTuple):
    """The engine's options (None: the plain step), and whether float32 is exact."""

    options: dict[str, Any] | None
    exact: bool = False

    @property
    def compiled(self) -> bool:
        return bool(self.options and self.options.get("compile"))


WAYS = {
    "plain, float32": TrainingWay(None, exact=True),
    "plain, TF32": TrainingWay(None),
    "float32": TrainingWay({"precision": "fp32"}, exact=True),
    "TF32": TrainingWay({"precision": "fp32"}),
    "bf16": TrainingWay({"precision": "bf16"}),
    "compiled, bf16": TrainingWay({"precision": "bf16", "compile": True}),
}
ON_CPU = ("plain, float32", "float32")  # a processor has no TF32, and may have no bfloat16
RECIPES = {"cyclegan": True, "ugatit": True, "attentiongan2": False, "stargan": False}  # compiled too: a minute each


def recipes(settings: Settings) -> dict[str, bool]:
    """The recipes that are timed, and whether they are compiled too."""
    return {"cyclegan": False} if settings.quick else RECIPES


def section(recipe: str) -> Callable[[Settings], Iterator[Row]]:
    """The rows of one recipe."""
    return partial(_rows, recipe)


def _rows(name: str, settings: Settings) -> Iterator[Row]:
    peak, operations = matrix_peak(settings, torch.bfloat16), _operations_of_one(name, settings)
    for batch in BATCHES[: 1 if settings.quick else None]:
        torch._dynamo.reset()
        arguments, slowest = _arguments(name, settings, batch), 0.0
        for label, way in _ways(name, settings).items():
            row: dict[str, Any] = {"recipe": name, "batch": batch, "way": label}
            try:
                with exact_float32(way.exact):
                    ms, mib = _timed(name, settings, arguments, way.options)
            except torch.OutOfMemoryError:
                yield {**row, "problem": "does not fit into the card's memory"}
                continue
            slowest = slowest or ms
            row |= {"ms": ms, "times plain": slowest / max(ms, LEAST), "MiB": round(mib)}
            row["of the bf16 peak"] = f"{tflops(operations * arguments.batch, ms) / peak:.0%}"
            yield {**row, "pictures a second": a_second(batch * (1 if name in DOMAINS else 2), ms)}


def _arguments(name: str, settings: Settings, batch: int) -> argparse.Namespace:
    """Pictures of the published size."""
    return sized(settings, size=128 if name in DOMAINS else 256, batch=batch)


def _ways(name: str, settings: Settings) -> dict[str, TrainingWay]:
    """All ways, the compiled ones alone to fill the compiler's cache, or those that a processor has."""
    if settings.device == "cpu":
        return {label: WAYS[label] for label in ON_CPU}
    ways = {label: way for label, way in WAYS.items() if way.compiled or not settings.warm}
    return {label: way for label, way in ways.items() if recipes(settings)[name] or not way.compiled}


def _timed(name: str, settings: Settings, arguments: argparse.Namespace, options: dict[str, Any] | None) -> Measured:
    """The plain step, or the engine's, on one batch that is on the device already; its losses must be numbers."""
    recipe = built(name, arguments)
    (batch,) = batches(settings, arguments, 1)
    engine = engine_of(recipe, settings, **(options or {"precision": "fp32", "channels_last": False}))
    there = moved(engine, batch)
    step = engine.micro_step
    if options is None:
        step = plain.cases()[name].plain(recipe.networks, arguments.width, arguments.size)
        del engine, recipe
    losses = torch.stack([value.detach() for value in step(there).values()])
    if not bool(losses.isfinite().all()):
        raise FloatingPointError(f"{name}: the losses of the first step are {losses.tolist()}.")
    return Measured(0.0) if settings.warm else clocked(settings, lambda: step(there))


def _operations_of_one(name: str, settings: Settings) -> int:
    """Of the recipe's own step with one picture of each domain, which does less than the plain one."""
    arguments = _arguments(name, settings, 1)
    engine = engine_of(built(name, arguments), settings, precision="fp32")
    batch = moved(engine, batches(settings, arguments, 1)[0])
    return executed(lambda: engine.micro_step(batch))
