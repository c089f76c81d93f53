"""Milliseconds, memory and arithmetic of a call on a GPU, and the matrix product that it is set against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_sections.report import Settings

SECONDS = 0.4  # that a call is timed for
BLOCKS = 5
SIDE = 8192  # of the large matrices: past what a cache holds
LEAST = 1e-9  # milliseconds, in place of none


class Measured(NamedTuple):
    """Milliseconds, the median of blocks of calls between two waits for the device, and MiB at their peak."""

    ms: float
    mib: float = 0.0


def clocked(settings: Settings, call: Callable[[], Any]) -> Measured:
    """Time ``call``: within a block nothing waits, so that the host may run ahead, as it does in a training."""
    on_gpu = settings.device == "cuda"
    for _ in range(1 if settings.quick else 3):
        call()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    once = _block(on_gpu, call, 1)
    number = 1 if settings.quick else max(1, min(200, round(SECONDS / BLOCKS / once)))
    blocks = [once] if settings.quick else [_block(on_gpu, call, number) for _ in range(BLOCKS)]
    return Measured(statistics.median(blocks) * 1e3, torch.cuda.max_memory_allocated() / 2**20 if on_gpu else 0.0)


def _block(on_gpu: bool, call: Callable[[], Any], number: int) -> float:
    """Seconds a call of ``number`` calls in a row."""
    if on_gpu:
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(number):
        call()
    if on_gpu:
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / number


def matrix_peak(settings: Settings, dtype: torch.dtype) -> float:
    """TFLOP/s of a large product of random matrices."""
    side = 256 if settings.quick else SIDE
    a, b = (torch.randn(side, side, device=settings.device).to(dtype) for _ in range(2))
    return tflops(2 * side**3, clocked(settings, lambda: a @ b).ms)


def executed(call: Callable[[], Any]) -> int:
    """Floating-point operations of the convolutions and products in ``call``, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())


def tflops(operations: float, ms: float) -> float:
    """10^12 operations a second."""
    return operations / max(ms, LEAST) / 1e9


def a_second(pictures: int, ms: float) -> float:
    """Pictures a second where ``pictures`` take ``ms``."""
    return 1e3 * pictures / max(ms, LEAST)
