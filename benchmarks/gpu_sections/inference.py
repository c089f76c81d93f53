"""Translating on a GPU: every way of running a generator against the plain forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks import inference as plain
from benchmarks.gpu_sections.clock import LEAST, a_second, clocked, executed, matrix_peak, tflops
from benchmarks.gpu_sections.engines import BATCHES, exact_float32
from benchmarks.gpu_sections.report import Row, Settings
from benchmarks.inference import Way


class GPUWay(NamedTuple):
    """How to run the library's network (None: the plain one), and whether float32 is exact."""

    way: Way | None
    exact: bool = False

    @property
    def compiled(self) -> bool:
        return self.way is not None and self.way.compiled


WAYS = {
    "plain, float32": GPUWay(None, exact=True),
    "plain, TF32": GPUWay(None),
    "float32": GPUWay(Way(), exact=True),
    "TF32": GPUWay(Way()),
    "bf16": GPUWay(Way(dtype=torch.bfloat16)),
    "bf16, channels last": GPUWay(Way(dtype=torch.bfloat16, channels_last=True)),
    "compiled, bf16, channels last": GPUWay(Way(compiled=True, dtype=torch.bfloat16, channels_last=True)),
}
ON_CPU = ("plain, float32", "float32")  # a processor has no TF32, and may have no bfloat16


def networks(settings: Settings) -> list[str]:
    """The generators that are timed."""
    return list(plain.FAMILIES)[: 1 if settings.quick else None]


def section(label: str) -> Callable[[Settings], Iterator[Row]]:
    """The rows of one generator."""
    return partial(_rows, label)


@torch.inference_mode()
def _rows(label: str, settings: Settings) -> Iterator[Row]:
    width, size = (4, 32) if settings.quick else (64, 256)
    ours, theirs = plain.networks(plain.FAMILIES[label], width, settings.device)
    peak = matrix_peak(settings, torch.bfloat16)
    for batch in BATCHES[: 1 if settings.quick else None]:
        torch._dynamo.reset()  # a graph of its own for each batch, as a program with batches of one size has
        image = torch.rand(batch, 3, size, size, device=settings.device) * 2 - 1
        operations, slowest = executed(partial(ours, image)), 0.0
        with exact_float32():
            expected = theirs(image)
        for name, way in _ways(settings).items():
            ms, error = _timed(ours, theirs, way, image, expected, settings)
            slowest = slowest or ms
            row: Row = {
                "network": label,
                "batch": batch,
                "way": name,
                "ms": ms,
                "times plain": slowest / max(ms, LEAST),
            }
            share = f"{tflops(operations, ms) / peak:.0%}"
            yield {**row, "pictures a second": a_second(batch, ms), "of the bf16 peak": share, "difference": error}


def _ways(settings: Settings) -> dict[str, GPUWay]:
    """All ways, the compiled ones alone to fill the compiler's cache, or those that a processor has."""
    if settings.device == "cpu":
        return {name: WAYS[name] for name in ON_CPU}
    return {name: way for name, way in WAYS.items() if way.compiled or not settings.warm}


def _timed(
    ours: nn.Module, theirs: nn.Module, way: GPUWay, image: Tensor, expected: tuple[Tensor, ...], settings: Settings
) -> tuple[float, float]:
    """Milliseconds, and the largest difference from the plain float32 answer relative to 1 or its largest value."""
    with exact_float32(way.exact):
        forward = plain.prepared(ours, theirs, way.way)
        error = plain.difference(tuple(part.float() for part in forward(image)), expected)
        return (0.0 if settings.warm else clocked(settings, lambda: forward(image)).ms), error
