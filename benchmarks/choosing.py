"""What it costs to choose the ways of a network's convolutions: ``python -m benchmarks.choosing``.

Each network meets one picture of 256x256, with an empty model store and then with what that left there, as a later
process would. Processor time and the clock's are shown: of several threads the former is the sum.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn

import attn_i2i
from attn_i2i.models.build import create
from attn_i2i.tuning import Tuner
from benchmarks.machine import describe

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "CycleGAN, width 64": lambda: create("cyclegan", width=64),
    "U-GAT-IT light, width 64": lambda: create("ugatit", width=64, light=True),
    "attentiongan2-flat2clay": lambda: attn_i2i.load("attentiongan2-flat2clay", direction="A2B").generator,
}


def cost(network: nn.Module, image: torch.Tensor) -> tuple[float, float, int]:
    """Processor seconds, seconds of the clock, and pieces of work, of a tuner that knows what the store holds."""
    processor, clock = time.process_time(), time.perf_counter()
    tuned = Tuner().fit(network, [image])
    return time.process_time() - processor, time.perf_counter() - clock, len(tuned)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{describe()}; {arguments.size}x{arguments.size}, {arguments.threads} threads.\n")
    print("| network | pieces | first, CPU s | first, s | later, CPU s |\n|---|--:|--:|--:|--:|")
    for name, build in NETWORKS.items():
        network = build().eval().requires_grad_(False)
        image = torch.rand(1, 3, arguments.size, arguments.size) * 2 - 1
        with tempfile.TemporaryDirectory() as home, torch.no_grad():
            os.environ["ATTN_I2I_HOME"] = home
            network(image[..., :64, :64])  # what PyTorch prepares at its first convolution
            processor, clock, pieces = cost(network, image)
            later, _, _ = cost(network, image)
        print(f"| {name} | {pieces} | {processor:.2f} | {clock:.2f} | {later:.3f} |", flush=True)


if __name__ == "__main__":
    main()
