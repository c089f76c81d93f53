"""A folder of pictures: ``python -m benchmarks.folder``.

Three ways take turns in one process, on the same pictures and the same network. The first is a plain loop that opens,
computes and saves one picture after the other. The second is the library with nothing overlapping. The third is the
library as it is, which decodes ahead and writes behind. Seconds are the clock's, because overlapping is about that. All
ways must give the same files.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import nn

from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate import Translator, batch
from attn_i2i.translate.jobs import plan_jobs
from benchmarks.machine import describe


def make_pictures(folder: Path, count: int, side: int, suffix: str) -> None:
    """Noise over slow waves, which compresses about as photographs do."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    for number in range(count):
        waves = 127 + 80 * np.sin(y / (20 + number) + x / 31)[..., None] + random.normal(0, 6, (side, side, 3))
        Image.fromarray(waves.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}{suffix}", quality=92)


@torch.no_grad()
def plain(network: nn.Module, source: Path, target: Path) -> None:
    """What a reader would write: one picture at a time."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)
        image = network(pixels[None].float().div(127.5).sub(1)).image[0].add(1).div(2).clamp(0, 1)
        Image.fromarray(image.mul(255).round().byte().permute(1, 2, 0).numpy()).save(
            target / path.name, quality=95, subsampling=0
        )


def library(translate: Translator, source: Path, target: Path, overlapped: bool) -> None:
    """``translate_files``, as the command line calls it."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(batch, "pays", return_value=overlapped))
        report = batch.translate_files(translate, plan_jobs([source], target).jobs)
    assert not report.failed, report.failed


def difference(first: Path, second: Path) -> float:
    """The mean difference of two folders' pixels, in levels; JPEG spreads one level that was rounded otherwise."""
    pairs = [(np.array(Image.open(path)), np.array(Image.open(second / path.name))) for path in first.iterdir()]
    return max(float(np.abs(a.astype(int) - b).mean()) for a, b in pairs)


def main() -> None:
    """Print one line of JSON for each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=16, help="of the AttentionGAN II")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 1024])
    options = parser.parse_args()
    print(describe())
    torch.manual_seed(0)
    network = create("attentiongan2", width=options.width, blocks=4).eval()
    translate = Translator({"A2B": network}, ModelConfig("attentiongan2", {}, ["A2B"]), device="cpu")
    for side in options.sides:
        for suffix in (".jpg", ".png"):
            print(json.dumps(compare(network, translate, side, suffix, options.rounds)), flush=True)


def compare(network: nn.Module, translate: Translator, side: int, suffix: str, rounds: int) -> dict[str, Any]:
    """Seconds of each way, medians over rounds in which they take turns, and how often faster than the plain loop."""
    ways: dict[str, Callable[[Path, Path], None]] = {
        "plain": lambda source, target: plain(network, source, target),
        "one after the other": lambda source, target: library(translate, source, target, overlapped=False),
        "overlapped": lambda source, target: library(translate, source, target, overlapped=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "source")
        source.mkdir()
        make_pictures(source, min(32, max(8, 2**22 // side**2)), side, suffix)
        for turn in range(rounds + 1):  # the first warms up
            for name, way in ways.items():
                start = time.perf_counter()
                way(source, Path(place, f"{name}-{turn}"))
                seconds[name] += [time.perf_counter() - start] if turn else []
        worst = difference(Path(place, "plain-0"), Path(place, "overlapped-0"))
    assert worst < 0.1, f"the files differ by {worst} levels on average"
    ratios = {
        name: median(a / b for a, b in zip(seconds["plain"], times, strict=True)) for name, times in seconds.items()
    }
    return {
        "side": side,
        "format": suffix,
        "seconds": {name: round(median(times), 3) for name, times in seconds.items()},
        "times faster": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "difference": round(worst, 4),
    }


if __name__ == "__main__":
    main()
