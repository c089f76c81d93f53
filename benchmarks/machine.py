"""What a benchmark ran on, and what that can reach."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable
from itertools import accumulate
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


def tensors_alive(run: Callable[[], object]) -> float:
    """MiB of the tensors that a run holds at once beyond those that were there."""
    with torch.profiler.profile(profile_memory=True) as profile:
        run()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]
    return max(accumulate(changes, initial=0)) / 2**20


def operations(network: nn.Module, image: Tensor) -> int:
    """Floating-point operations of a forward; a multiply-add counts as two."""
    with FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops()


def large_convolution(device: torch.device) -> tuple[nn.Module, Tensor]:
    """A 3x3 convolution whose speed is taken for the most that direct convolutions reach, and its picture."""
    side = 256 if device.type == "cuda" else 128
    return nn.Conv2d(256, 256, 3, padding=1, device=device), torch.rand(1, 256, side, side, device=device)
