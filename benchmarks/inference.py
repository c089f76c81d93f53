"""Time and memory of a translation against the published forward written plainly: ``python -m benchmarks.inference``.

All ways of running a network share its weights, the picture and one process. They take turns, so that other work on the
machine meets them alike. Each is set against the plain run of the same turn. Float32 answers must agree. Memory is
given twice, both beyond weights and input. The first figure is the tensors alive at once, by PyTorch's own account. The
second is what a further run adds to the resident memory of a process of its own; that includes what the allocator
keeps.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from attn_i2i.blocks import allow_winograd
from attn_i2i.models.build import create
from attn_i2i.tuning import tune
from benchmarks import plain
from benchmarks.machine import describe, large_convolution, operations, tensors_alive
from benchmarks.runtimes import RUNTIMES, exported

TOLERANCE = 1e-4
# Other runtimes sum the statistics of a million pixels in an order of their own: OpenVINO is 1e-4 away at 1024x1024.
OF_RUNTIMES = 5e-4
Forward = Callable[[Tensor], Any]


class Family(NamedTuple):
    """A generator of the library and its plain counterpart."""

    name: str
    options: dict[str, Any]
    plain: type[nn.Module]


@dataclass(frozen=True)
class Way:
    """One way of running the library's network; ``tuned`` takes the ways that were measured, as ``load`` does."""

    compiled: bool = False
    winograd: bool = False
    tuned: bool = False
    dtype: torch.dtype = torch.float32
    channels_last: bool = False


FAMILIES = {
    "U-GAT-IT light": Family("ugatit", {"light": True}, plain.UGATITLight),
    "AttentionGAN II": Family("attentiongan2", {}, plain.AttentionGAN2),
    "CycleGAN": Family("cyclegan", {}, plain.CycleGAN),
}
WAYS: dict[str, Way | None] = {
    "plain": None,
    "eager": Way(tuned=True),
    "eager, Winograd": Way(winograd=True),
    "compiled": Way(compiled=True, winograd=True, tuned=True),
    "compiled, Winograd": Way(compiled=True, winograd=True),
    "compiled, direct": Way(compiled=True),
    "compiled bf16": Way(compiled=True, winograd=True, dtype=torch.bfloat16),
    "plain, compiled": None,
    **dict.fromkeys(RUNTIMES),
}
LOSSY = ("bf16", "int8")  # ways whose answers are not float32's


def networks(family: Family, width: int, device: str) -> tuple[nn.Module, nn.Module]:
    """The library's generator and the plain one, with the same random weights of a trained network's size."""
    torch.manual_seed(0)
    ours, theirs = create(family.name, width=width, **family.options).eval(), family.plain(width=width).eval()
    for parameter in ours.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, 0, (1 / parameter[0].numel()) ** 0.5)
    plain.copy_weights(ours, theirs)
    return ours.to(device), theirs.to(device)


def forward_of(name: str, ours: nn.Module, theirs: nn.Module, family: Family, arguments: argparse.Namespace) -> Forward:
    """The forward of the way called ``name``."""
    if name in RUNTIMES:
        return exported(ours, family.name, {"width": arguments.width, **family.options}, name, arguments.size)
    return torch.compile(theirs) if name == "plain, compiled" else prepared(ours, theirs, WAYS[name])


def prepared(ours: nn.Module, theirs: nn.Module, way: Way | None) -> Forward:
    """The forward of one way; None is the plain one."""
    if way is None:
        return theirs
    layout = torch.channels_last if way.channels_last else torch.contiguous_format
    network = copy.deepcopy(ours).to(dtype=way.dtype, memory_format=layout)
    allow_winograd(network, way.winograd)
    run = torch.compile(network) if way.compiled else network

    def forward(image: Tensor) -> tuple[Tensor, ...]:
        if way.tuned:
            tune(network, image)
        return tuple(part for part in run(image.to(dtype=way.dtype, memory_format=layout)) if part is not None)

    return forward


def difference(answer: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> float:
    """The largest difference, relative to 1 or to the largest value expected where that is more."""
    pairs = zip(answer, expected, strict=True)
    return max(float((a - e).abs().max() / e.abs().max().clamp(min=1)) for a, e in pairs)


def timed(forward: Forward, image: Tensor, clock: Callable[[], float]) -> float:
    if image.is_cuda:
        torch.cuda.synchronize()
    start = clock()
    forward(image)
    if image.is_cuda:
        torch.cuda.synchronize()
    return clock() - start


def take_turns(
    forwards: dict[str, Forward], image: Tensor, rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of every way in every round, after one more run each to warm up."""
    times: dict[str, list[float]] = {name: [] for name in forwards}
    for turn in range(-1, rounds):
        for name, forward in forwards.items():
            seconds = timed(forward, image, clock)
            if turn >= 0:
                times[name].append(seconds)
    return times


def _resident(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def peak_memory(forward: Forward, image: Tensor) -> float:
    """MiB that a run takes at its peak beyond what is held before it; Linux only on a CPU, the median of five there."""
    forward(image)
    if image.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        forward(image)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    peaks = []
    for _ in range(5):
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        held = _resident("VmRSS")
        forward(image)
        peaks.append(_resident("VmHWM") - held)
    return statistics.median(peaks)


def peak_in_process(label: str, way: str, arguments: argparse.Namespace) -> float:
    """``peak_memory`` of one way in a fresh process."""
    given = {"family": label, "way": way, **{k: getattr(arguments, k) for k in ("width", "size", "batch", "device")}}
    command = [
        sys.executable,
        "-m",
        "benchmarks.inference",
        "--threads",
        str(arguments.threads),
        "--peak",
        json.dumps(given),
    ]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def compare(label: str, arguments: argparse.Namespace) -> list[str]:
    """Rows of the table for one family; raises AssertionError where a float32 answer differs."""
    image = torch.rand(arguments.batch, 3, arguments.size, arguments.size, device=arguments.device) * 2 - 1
    ours, theirs = networks(FAMILIES[label], arguments.width, arguments.device)
    forwards = {name: forward_of(name, ours, theirs, FAMILIES[label], arguments) for name in arguments.ways}
    expected = forwards["plain"](image)
    errors = {name: difference(forward(image), expected) for name, forward in forwards.items()}
    bounds = {name: OF_RUNTIMES if name in RUNTIMES else TOLERANCE for name in errors}
    wrong = [
        f"{name} ({error:.0e})" for name, error in errors.items() if error > bounds[name] and not name.endswith(LOSSY)
    ]
    assert not wrong, f"{label}: too far from the plain forward: {', '.join(wrong)}"
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    limit, large = large_convolution(image.device)
    share = operations(theirs, image) / operations(limit, large)
    beside = {"limit": lambda image: limit(large)} if arguments.limits else {}
    times = take_turns(forwards | beside, image, arguments.rounds, clock)
    limits = times.pop("limit", [])
    rows = []
    for name, seconds in times.items():
        faster = statistics.median(a / b for a, b in zip(times["plain"], seconds, strict=True))
        # A runtime's tensors are not PyTorch's, and its graph is one that its process reads anew.
        alive = "" if name in RUNTIMES else f"{tensors_alive(partial(forwards[name], image)):.0f}"
        memory = "" if arguments.no_resident or name in RUNTIMES else f"{peak_in_process(label, name, arguments):.0f}"
        median = statistics.median(seconds)
        reached = [share * b / a for a, b in zip(seconds, limits, strict=True)] if limits else []
        of_limit = f" {statistics.median(reached):.0%} |" if reached else ""
        rows.append(
            f"| {label} | {name} | {median * 1e3:.0f} | {faster:.2f} | {alive} | {memory} | {errors[name]:.0e}"
            f" |{of_limit}"
        )
    return rows


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    for name, default in (("width", 64), ("size", 256), ("batch", 1), ("threads", 2), ("rounds", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu-time", action="store_true", help="processor time, which other work disturbs least")
    parser.add_argument("--no-resident", action="store_true", help="leave resident memory out")
    parser.add_argument("--limits", action="store_true", help="share of the speed of a large direct convolution")
    parser.add_argument("--peak", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


@torch.inference_mode()
def main() -> None:
    """Print the table, or the peak of one way."""
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    if arguments.peak:
        one = argparse.Namespace(**arguments.peak)
        image = torch.rand(one.batch, 3, one.size, one.size, device=one.device) * 2 - 1
        ours, theirs = networks(FAMILIES[one.family], one.width, one.device)
        print(peak_memory(forward_of(one.way, ours, theirs, FAMILIES[one.family], one), image))
        return
    if "plain" not in arguments.ways:
        arguments.ways.insert(0, "plain")
    print(f"{describe(arguments.device)}; width {arguments.width}, batch {arguments.batch},", end=" ")
    print(f"{arguments.size}x{arguments.size}, {arguments.threads} threads, {arguments.rounds} rounds.\n")
    unit = "CPU ms" if arguments.cpu_time else "ms"
    limit = " of the limit |" if arguments.limits else ""
    print(f"| network | way | {unit} | times faster | tensors MiB | resident MiB | difference |{limit}")
    print(f"|---|---|--:|--:|--:|--:|--:|{'--:|' if limit else ''}")
    for label in arguments.families:
        print("\n".join(compare(label, arguments)), flush=True)


if __name__ == "__main__":
    main()
