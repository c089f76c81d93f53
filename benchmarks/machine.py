"""What a benchmark ran on, and what that can reach."""

from __future__ import annotations

import datetime
import os
import platform
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

BF16_FLAGS = ("amx_bf16", "avx512_bf16")


def describe(device: str = "cpu") -> str:
    """Processor or card, how it computes in bfloat16, versions, load and date, in one line."""
    what = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else _cpu()
    load = f"load {os.getloadavg()[0]:.1f}"
    date = datetime.datetime.now(datetime.UTC).date()
    return f"{what}; torch {torch.__version__}, Python {platform.python_version()}, {load} at the start, {date}"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    bf16 = ", ".join(flag for flag in BF16_FLAGS if flag in flags) or "no bfloat16 instructions"
    return f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores, {bf16}"


def seconds_at_limit(network: nn.Module, image: Tensor) -> float:
    """Seconds that the network's multiplications would take at the speed of a large float32 matmul here."""
    with FlopCounterMode(display=False) as counter:
        network(image)
    side = 8192 if image.is_cuda else 2048
    a = torch.rand(side, side, device=image.device)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        if image.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return counter.get_total_flops() / (2 * side**3 / best)
