"""Memory and time of large pictures in strips: ``python -m benchmarks.large``.

Each size runs in a process of its own. Its resident peak is that of the whole job: Python, the network, the picture
read from a file, strips, the result, and the written file. Pixels are noise over slow waves, so that statistics differ
from place to place. ``--whole`` also computes sizes that fit without strips: the cost per pixel to compare with, and
the largest difference of the answers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attn_i2i.images.read import read_image
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate import Translator
from attn_i2i.tuning import keep_freed_memory
from benchmarks.machine import describe

SIZES = (512, 1024, 2048, 4096, 8192)
CHUNK = 256  # rows of a picture that are made at a time


def make_picture(path: Path, side: int, depth: int) -> None:
    """A square picture as .npy: three channels of 8 bits, or one of 16."""
    channels, dtype = (3, np.uint8) if depth == 8 else (1, np.uint16)
    top = np.iinfo(dtype).max
    numbers = np.lib.format.open_memmap(path, "w+", dtype, (side, side, channels)[: 2 + (channels > 1)])
    random = np.random.default_rng(0)
    for first in range(0, side, CHUNK):
        rows = np.arange(first, min(side, first + CHUNK))[:, None, None]
        waves = 0.5 + 0.3 * np.sin(rows / 97 + np.arange(side)[None, :, None] / 143 + np.arange(channels))
        values = waves + 0.15 * random.standard_normal(waves.shape, np.float32)
        numbers[first : first + CHUNK] = (values.clip(0, 1) * top).astype(dtype).reshape(numbers[rows[:, 0, 0]].shape)
    numbers.flush()


def peak_bytes() -> int:
    """The most memory that this process had resident."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measure(source: Path, target: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the translation, those with reading and writing, and the resident peak of this process.

    They are the processor's seconds, because other work on a machine weighs on the clock's.
    """
    torch.manual_seed(0)
    if options.keep:
        keep_freed_memory()
    network = create(options.family, width=options.width, **({"blocks": options.blocks} if options.blocks else {}))
    translate = Translator({"A2B": network}, ModelConfig(options.family, {}, ["A2B"]), device="cpu")
    tile = options.tile
    start = time.process_time()
    picture = read_image(source, max_pixels=2**30)
    begin = time.process_time()
    result = translate(picture, tile=int(tile) if tile.isdigit() else tile)
    seconds = time.process_time() - begin
    result.save(target)
    image = result.image[:, ::7, ::7].clone()
    return {"seconds": seconds, "all": time.process_time() - start, "peak": peak_bytes(), "sample": image}


def run_apart(arguments: list[str]) -> dict[str, Any]:
    """``measure`` in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.pt")
        subprocess.run([sys.executable, "-m", "benchmarks.large", "--worker", str(answer), *arguments], check=True)
        loaded: dict[str, Any] = torch.load(answer, weights_only=True)
        return loaded


def compare(side: int, depth: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One row of the table."""
    source, target = folder / f"{side}-{depth}.npy", folder / "out.npy"
    make_picture(source, side, depth)
    common = [str(source), str(target), "--width", str(options.width), "--family", options.family]
    common += ["--blocks", str(options.blocks), *(["--keep"] if options.keep else [])]
    row: dict[str, Any] = {"side": side, "bits": depth}
    for tile in [*(["off"] if side <= options.whole else []), str(options.tile)]:
        target.unlink(missing_ok=True)
        answer = run_apart([*common, "--tile", tile])
        name = "whole" if tile == "off" else "strips"
        row[name] = {key: answer[key] for key in ("seconds", "all", "peak")}
        row[name]["us_per_pixel"] = answer["seconds"] / side**2 * 1e6
        if "sample" in row:
            row["difference"] = float((row["sample"] - answer["sample"]).abs().max())
        row["sample"] = answer["sample"]
    source.unlink()
    del row["sample"]
    return row


def main() -> None:
    """Print a row a size as JSON, each as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--family", default="attentiongan2")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=0, help="0: as many as the family has")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--microscopy", type=int, nargs="*", default=[2048], help="sides of 16-bit grey pictures")
    parser.add_argument("--whole", type=int, default=1024, help="largest side to compute without strips too")
    parser.add_argument("--tile", default="256", help="rows of a strip of the picture, or auto")
    parser.add_argument("--keep", action="store_true", help="keep freed memory, as the command line does")
    options = parser.parse_args()
    if options.worker is not None:
        torch.save(measure(*options.paths, options), options.worker)
        return
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        for side, depth in [*((side, 8) for side in options.sizes), *((side, 16) for side in options.microscopy)]:
            print(json.dumps(compare(side, depth, options, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
