"""A folder of pictures: ``python -m benchmarks.folder``.

Three ways take turns in one process, on the same pictures and the same network. The first is a plain loop that opens,
computes and saves one picture after the other. The second is the library with nothing overlapping. The third is the
library as it is, which decodes ahead and writes behind. Seconds are the clock's, because overlapping is about that. All
ways must give the same files.

``--against CHECKOUT`` sets the whole command ``attn-i2i translate DIR``, start-up and all, against that of another
checkout of this repository. The two take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
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
from attn_i2i.models.directory import save_model
from attn_i2i.translate import Translator, batch
from attn_i2i.translate.jobs import plan_jobs
from benchmarks.machine import describe

Ways = dict[str, Callable[[Path, Path], None]]


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


def command(checkout: Path, model: Path, source: Path, target: Path) -> None:
    """``attn-i2i translate`` of a checkout, in a process of its own."""
    code = "from attn_i2i.cli import main; main()"
    words = ["translate", "-m", model, source, "-o", target, "--direction", "A2B", "--device", "cpu"]
    environment = os.environ | {"PYTHONPATH": str(checkout), "ATTN_I2I_PLUGINS": ""}
    run = [sys.executable, "-c", code, *map(str, words)]
    subprocess.run(run, cwd=target.parent, env=environment, stdout=subprocess.DEVNULL, check=True)


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
    parser.add_argument("--most", type=int, default=32, help="pictures of a folder; larger ones are fewer")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="of this repository: compare whole commands")
    options = parser.parse_args()
    print(describe())
    torch.manual_seed(0)
    config = ModelConfig("attentiongan2", {"width": options.width, "blocks": 4}, ["A2B"])
    network = create(config.architecture, **config.config).eval()
    with tempfile.TemporaryDirectory() as place:
        if options.against is None:
            ways = loops(network, config)
        else:
            save_model(Path(place, "model"), config, {"A2B": network.state_dict()})
            ways = commands(Path(place, "model"), options.against.resolve())
        for side in options.sides:
            for suffix in (".jpg", ".png"):
                work = Path(place, f"{side}{suffix}")
                source = work / "source"
                source.mkdir(parents=True)
                make_pictures(source, min(options.most, max(8, 2**22 // side**2)), side, suffix)
                print(json.dumps({"side": side, "format": suffix} | compare(ways, work, options.rounds)), flush=True)


def loops(network: nn.Module, config: ModelConfig) -> Ways:
    """The plain loop, the library with nothing overlapping, and as it is, in this process."""
    translate = Translator({"A2B": network}, config, device="cpu")
    return {
        "plain": lambda source, target: plain(network, source, target),
        "one after the other": lambda source, target: library(translate, source, target, overlapped=False),
        "overlapped": lambda source, target: library(translate, source, target, overlapped=True),
    }


def commands(model: Path, other: Path) -> Ways:
    """The command of another checkout and this one's, on the same stored model."""
    here = Path(__file__).parents[1]
    return {
        "the other checkout": lambda source, target: command(other, model, source, target),
        "this checkout": lambda source, target: command(here, model, source, target),
    }


def compare(ways: Ways, work: Path, rounds: int) -> dict[str, Any]:
    """Seconds of each way, medians over rounds in which they take turns, and how often faster than the first way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):  # the first warms up
        for name, way in ways.items():
            start = time.perf_counter()
            way(work / "source", work / f"{name}-{turn}")
            seconds[name] += [time.perf_counter() - start] if turn else []
    first, last = next(iter(ways)), list(ways)[-1]
    worst = difference(work / f"{first}-0", work / f"{last}-0")
    assert worst < 0.1, f"the files differ by {worst} levels on average"
    ratios = {
        name: median(a / b for a, b in zip(seconds[first], times, strict=True)) for name, times in seconds.items()
    }
    return {
        "seconds": {name: round(median(times), 3) for name, times in seconds.items()},
        "times faster": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "difference": round(worst, 4),
    }


if __name__ == "__main__":
    main()
