"""How many pictures a second the input pipeline delivers, without any training.

python -m attn_i2i.train.throughput DATA --crop-size 256 --workers 0 2 --seconds 10
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .data.folders import TrainingImages, two_domains
from .data.loading import Positions
from .data.shards import Shards, find_shards
from .loop import open_loader
from .options import TrainOptions


def measure(pictures: TrainingImages | Shards, options: TrainOptions, seconds: float) -> tuple[float, float]:
    """Pictures of both domains a second, and a second of this process's own CPU time (which workers do not spend).

    Counted from when every worker has delivered two batches.
    """
    loader = iter(open_loader(pictures, options, Positions(options.batch_size, 0, 10**9), pin=False))
    for _ in range(max(1, 2 * (options.workers or 0))):
        next(loader)
    begin, cpu, seen = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begin < seconds:
        seen += sum(len(images) for images in next(loader).values())
    return seen / (time.perf_counter() - begin), seen / (time.process_time() - cpu)


def main() -> None:
    """Print one line a number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--crop-size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument("--cache", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    pictures = find_shards(arguments.data) or two_domains(arguments.data)
    for workers in arguments.workers:
        options = TrainOptions(
            crop_size=arguments.crop_size, batch_size=arguments.batch_size, workers=workers, cache=arguments.cache
        )
        rate, per_cpu = measure(pictures, options, arguments.seconds)
        own = "" if workers else f", {per_cpu:.0f} a second of CPU time"
        sys.stdout.write(f"{workers} workers{', in memory' * arguments.cache}: {rate:.0f} pictures a second{own}\n")


if __name__ == "__main__":
    main()
