"""Time and memory of a training step against the published step written plainly: ``python -m benchmarks.training``.

Both start from the same weights, see the same batches in the same process, in turn, and must report the same losses.
Peak memory is measured in a process of its own for each, above what it held before any network was built. It depends
on how the C library places tensors. "Tensors" are those that a step holds at once beyond weights and averages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from attn_i2i.blocks import allow_winograd
from attn_i2i.plugins import zoo
from attn_i2i.train.ways import choose_ways
from benchmarks.machine import describe, tensors_alive

Step = Callable[[dict[str, Tensor]], dict[str, Tensor]]
PlainStep = Callable[[nn.ModuleDict, int, int], Step]
LOSS_TOLERANCE = 1e-4
WARM_UP = 2


@dataclass(frozen=True)
class Case:
    """One family: its recipe's options beside the width, and the plain step for its networks."""

    recipe: str
    options: dict[str, Any]
    plain: PlainStep


def cases() -> dict[str, Case]:
    from benchmarks import plain, plain_more, plain_steps, plain_steps_more

    def cyclic(generator: type[nn.Module]) -> PlainStep:
        return lambda networks, width, size: plain_steps.cycle_step(networks, generator, width)

    def domains(attention: bool) -> PlainStep:
        return lambda networks, width, size: plain_steps_more.domain_step(
            networks,
            plain_more.DomainGenerator(width, attention=attention),
            plain_more.DomainDiscriminator(width, size=size),
        )

    return {
        "ugatit": Case(
            "ugatit",
            {"light": True},
            lambda networks, width, size: plain_steps.ugatit_step(networks, plain.UGATITLight, width),
        ),
        "cyclegan": Case("cyclegan", {"pool": 0}, cyclic(plain.CycleGAN)),
        "attentiongan2": Case("attentiongan2", {"pool": 0}, cyclic(plain.AttentionGAN2)),
        "attentiongan1": Case(
            "attentiongan1", {"pool": 0}, lambda networks, width, size: plain_steps_more.scheme1_step(networks, width)
        ),
        "aggan": Case("aggan", {"pool": 0}, lambda networks, width, size: plain_steps_more.aggan_step(networks, width)),
        "stargan": Case("stargan", {"n_critic": 1}, domains(False)),
        "attentiongan1-multidomain": Case("attentiongan1-multidomain", {"n_critic": 1}, domains(True)),
    }


def recipe_step(recipe: Any, bf16: bool) -> Step:
    """The recipe's step with a plain update; of the engine, only how it prepares the networks."""
    alone: Any = SimpleNamespace(is_main_process=True, num_processes=1)
    ways: list[object] = []
    device = next(recipe.networks.parameters()).device.type
    allow_winograd(recipe.networks)
    if bf16:
        recipe.networks.to(memory_format=torch.channels_last)
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        with torch.autocast(device, enabled=False):
            optimizers[optimizer].zero_grad(set_to_none=True)
            loss.backward()
            optimizers[optimizer].step()

    def step(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if device == "cpu" and not bf16 and not ways:
            ways.append(choose_ways(recipe, batch, alone))
        with torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=False):
            losses: dict[str, Tensor] = recipe.step(batch, update)
        return losses

    return step


def build(case: Case, arguments: argparse.Namespace) -> Any:
    torch.manual_seed(0)
    options = {"width": arguments.width, "discriminator_width": arguments.width, **case.options}
    if "stargan" in case.recipe or "multidomain" in case.recipe:
        options |= {"image_size": arguments.size}
    recipe = zoo().recipes.load(case.recipe)(**options)
    recipe.networks.to(arguments.device)
    return recipe


def batches(arguments: argparse.Namespace) -> list[dict[str, Tensor]]:
    random = torch.Generator().manual_seed(1)
    b, s = arguments.batch, arguments.size
    made = []
    for _ in range(arguments.steps + WARM_UP):
        image, other = (torch.rand(b, 3, s, s, generator=random) * 2 - 1 for _ in range(2))
        label = torch.randint(2, (b, 5), generator=random).float()
        batch = {"A": image, "B": other, "image": image, "label": label, "target": label.flip(1)}
        batch["gp_alpha"] = torch.rand(b, 1, 1, 1, generator=random)
        made.append({name: value.to(arguments.device) for name, value in batch.items()})
    return made


def timed(step: Step, batch: dict[str, Tensor], clock: Callable[[], float]) -> tuple[float, dict[str, float]]:
    start = clock()
    losses = step(batch)
    if next(iter(batch.values())).is_cuda:
        torch.cuda.synchronize()
    seconds = clock() - start
    return seconds, {name: float(value.detach()) for name, value in losses.items()}


def compare_times(case: Case, arguments: argparse.Namespace) -> tuple[float, float]:
    """Median seconds of the plain and of the library's step, run in turn; their first losses must agree."""
    recipe = build(case, arguments)
    plain = case.plain(recipe.networks, arguments.width, arguments.size)
    ours = recipe_step(recipe, arguments.bf16)
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    for number, batch in enumerate(batches(arguments)):
        slow, expected = timed(plain, batch, clock)
        fast, losses = timed(ours, batch, clock)
        if number == 0:
            check(expected, losses, 0.05 if arguments.bf16 else LOSS_TOLERANCE)
        if number >= WARM_UP:
            seconds["plain"].append(slow)
            seconds["ours"].append(fast)
    return statistics.median(seconds["plain"]), statistics.median(seconds["ours"])


def check(expected: dict[str, float], losses: dict[str, float], tolerance: float) -> None:
    for name, value in expected.items():
        if abs(losses[name] - value) > tolerance * max(1.0, abs(value)):
            raise SystemExit(f"Not the same step: {name} is {losses[name]}, the plain step says {value}.")


def peak_memory(family: str, variant: str, arguments: argparse.Namespace) -> tuple[float, float]:
    """Peak MiB of three steps in a process of its own, above what it held before the networks; and of tensors."""
    command = [sys.executable, "-m", "benchmarks.training", family, "--variant", variant]
    for name in ("width", "size", "batch", "threads", "device"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--bf16"] * arguments.bf16
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    mebibytes: tuple[float, float] = json.loads(done.stdout)["mebibytes"]
    return mebibytes


def measure_memory(case: Case, arguments: argparse.Namespace) -> tuple[float, float]:
    """Peak MiB of this process, and of a step's tensors; the process must have done nothing else."""
    before = memory_of_process("VmRSS")
    recipe = build(case, arguments)
    if arguments.variant == "plain":
        step = case.plain(recipe.networks, arguments.width, arguments.size)
        del recipe
    else:
        step = recipe_step(recipe, arguments.bf16)
    for batch in batches(arguments):
        step(batch)
    if arguments.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
        return peak, peak
    peak = memory_of_process("VmHWM") - before
    return peak, tensors_alive(lambda: step(batch))


def memory_of_process(field: str) -> float:
    """MiB that /proc says of this process: VmRSS now, VmHWM at most (a rusage would count the parent's too)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def report(families: list[str], arguments: argparse.Namespace) -> None:
    """Print the table."""
    precision = "bf16 against fp32" if arguments.bf16 else "fp32"
    clock = "processor seconds" if arguments.cpu_time else "seconds"
    print(
        f"{describe(arguments.device)}: {arguments.threads} CPU threads, width {arguments.width},"
        f" {arguments.size}x{arguments.size}, batch {arguments.batch}, {precision},"
        f" median {clock} of {arguments.steps} steps\n"
    )
    print("| recipe | plain s | ours s | faster | plain MiB | ours MiB | memory | tensors |")
    print("|---|---|---|---|---|---|---|---|")
    for family in families:
        plain, ours = compare_times(cases()[family], arguments)
        row = f"| {family} | {plain:.3f} | {ours:.3f} | {plain / ours:.2f}x |"
        if not arguments.no_memory:
            plain, ours = (peak_memory(family, variant, arguments) for variant in ("plain", "ours"))
            row += f" {plain[0]:.0f} | {ours[0]:.0f} | {ours[0] / plain[0]:.2f}x | {ours[1] / plain[1]:.2f}x |"
        print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", help=f"of {', '.join(cases())}; all by default")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--bf16", action="store_true", help="the library's step in bf16 and channels last")
    parser.add_argument("--cpu-time", action="store_true", help="processor seconds, for a machine that is not idle")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--variant", choices=["plain", "ours"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    families = arguments.families or list(cases())
    if unknown := set(families) - set(cases()):
        parser.error(f"no family {', '.join(sorted(unknown))}: choose from {', '.join(cases())}")
    if arguments.variant:
        arguments.steps = 1
        print(json.dumps({"mebibytes": measure_memory(cases()[families[0]], arguments)}))
    else:
        report(families, arguments)


if __name__ == "__main__":
    main()
